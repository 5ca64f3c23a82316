#include "admin/cli/event_text.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <chrono>

namespace penstock::cli {
namespace {

using simdjson::ondemand::json_type;

/// Where the value of the top-level `region` lies in `json` (offset, length); offset 0: there is none.
/// False when `json` is no object.
bool find_region(simdjson::padded_string_view json, size_t& offset, size_t& length) {
    thread_local simdjson::ondemand::parser parser;
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    if (parser.iterate(json).get(document) || document.get_object().get(object)) return false;
    for (auto member : object) {
        std::string_view name, token;
        simdjson::ondemand::value value;
        if (member.unescaped_key().get(name) || member.value().get(value)) return false;
        if (name != "region") continue;
        json_type type;
        if (value.type().get(type)) return false;
        if (type == json_type::object || type == json_type::array) return false;
        token = value.raw_json_token();
        while (!token.empty() && static_cast<unsigned char>(token.back()) <= ' ') token.remove_suffix(1);
        offset = static_cast<size_t>(token.data() - json.data());
        length = token.size();
    }
    return true;
}

}  // namespace

void append_json_string(std::string_view text, std::string& out) {
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
        } else {
            out += c;
        }
    }
    out += '"';
}

std::string json_string(std::string_view text) {
    std::string out;
    append_json_string(text, out);
    return out;
}

void append_with_region(std::string_view line, std::string_view region, std::string& out) {
    thread_local std::string padded;
    padded.assign(line);
    padded.resize(line.size() + simdjson::SIMDJSON_PADDING);
    size_t offset = 0, length = 0;
    if (!find_region(simdjson::padded_string_view(padded.data(), line.size(), padded.size()), offset,
                     length)) {
        out += line;
        return;
    }
    if (offset != 0) {
        out += line.substr(0, offset);
        append_json_string(region, out);
        out += line.substr(offset + length);
        return;
    }
    const size_t open = line.find('{');
    const size_t next = line.find_first_not_of(" \t", open + 1);
    out += line.substr(0, open + 1);
    out += "\"region\":";
    append_json_string(region, out);
    if (next != std::string_view::npos && line[next] != '}') out += ',';
    out += line.substr(open + 1);
}

std::string format_rfc3339(int64_t utc_ns) {
    using namespace std::chrono;
    constexpr int64_t kSecond = 1'000'000'000;
    int64_t ns = utc_ns % kSecond;
    int64_t s = utc_ns / kSecond;
    if (ns < 0) {
        ns += kSecond;
        --s;
    }
    const auto day = floor<days>(sys_seconds(seconds(s)));
    const year_month_day date(day);
    const auto in_day = s - day.time_since_epoch().count() * 86'400;
    std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                                   static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                   in_day / 3600, in_day / 60 % 60, in_day % 60);
    if (ns % 1'000'000 == 0) {
        if (ns != 0) text += fmt::format(".{:03}", ns / 1'000'000);
    } else if (ns % 1000 == 0) {
        text += fmt::format(".{:06}", ns / 1000);
    } else {
        text += fmt::format(".{:09}", ns);
    }
    return text + 'Z';
}

}  // namespace penstock::cli
