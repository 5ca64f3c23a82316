// NDJSON: bytes to lines, control lines.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstring>

#include "stages/ingest/ingest.h"

namespace penstock {

namespace json = boost::json;

void Ingest::read_lines(Connection& c, std::span<const uint8_t> data) {
    while (!data.empty() && !c.failing) {
        const auto* newline = static_cast<const uint8_t*>(std::memchr(data.data(), '\n', data.size()));
        const size_t part = newline ? static_cast<size_t>(newline - data.data()) : data.size();
        const auto bytes = data.first(part);
        data = data.subspan(newline ? part + 1 : part);
        if (newline) ++c.units;
        if (c.discarding) {
            discard_line(c, bytes, newline != nullptr);
        } else if (c.carry.size() + part > limits::kEventBytesMax) {
            c.discarding = true;
            c.discarded_bytes = c.carry.size();
            c.discarded_hash = std::make_unique<StreamHash>();
            c.discarded_hash->add(c.carry);
            c.carry.resize(std::min(c.carry.size(), limits::kDeadLetterRawBytesMax));
            c.carry.shrink_to_fit();
            discard_line(c, bytes, newline != nullptr);
        } else if (!newline) {
            c.carry.insert(c.carry.end(), bytes.begin(), bytes.end());
        } else if (c.carry.empty()) {
            take_line(c, bytes);
        } else {
            c.carry.insert(c.carry.end(), bytes.begin(), bytes.end());
            take_line(c, keep_for_round(std::exchange(c.carry, {})));
        }
    }
}

void Ingest::discard_line(Connection& c, std::span<const uint8_t> part, bool ends) {
    // The first bytes stay for the dead letter; of the rest only length and hash.
    const size_t room =
        c.carry.size() < limits::kDeadLetterRawBytesMax ? limits::kDeadLetterRawBytesMax - c.carry.size() : 0;
    c.carry.insert(c.carry.end(), part.begin(),
                   part.begin() + static_cast<ptrdiff_t>(std::min(room, part.size())));
    c.discarded_bytes += part.size();
    c.discarded_hash->add(part);
    if (!ends) return;
    if (!c.introduced && !introduce_anonymous(c)) return;
    const uint64_t position = c.next_position++;
    if (position < c.next_new) {
        c.carry = {};
        c.discarding = false;
        return resent(c);
    }
    c.next_new = position + 1;
    DeadLetter letter = letter_for(c, position);
    letter.set_raw(c.carry);
    letter.whole_length = c.discarded_bytes;
    letter.whole_hash = c.discarded_hash->digest();
    c.carry = {};
    c.discarding = false;
    refuse_whole(c, position, 1, Refusal::kTooLong,
                 fmt::format("the line has {} bytes; at most {} are allowed", letter.whole_length,
                             limits::kEventBytesMax),
                 std::move(letter));
}

void Ingest::take_line(Connection& c, std::span<const uint8_t> line) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t'))
        line = line.first(line.size() - 1);
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line = line.subspan(1);
    if (line.empty()) return;
    if (take_control_line(c, line)) return;
    if (!c.introduced && !introduce_anonymous(c)) return;
    const uint64_t position = c.next_position++;
    if (position < c.next_new) return resent(c);
    c.next_new = position + 1;
    add_raw(c, line, RawEvent::Format::kJson, position);
}

namespace {
/// A control line is an object whose first member is "penstock".
bool is_control(std::span<const uint8_t> line) {
    constexpr std::string_view kMember = "\"penstock\"";
    size_t at = 1;
    while (at < line.size() && (line[at] == ' ' || line[at] == '\t')) ++at;
    return line[0] == '{' && line.size() - at >= kMember.size() &&
           std::memcmp(line.data() + at, kMember.data(), kMember.size()) == 0;
}
}  // namespace

bool Ingest::take_control_line(Connection& c, std::span<const uint8_t> line) {
    if (!is_control(line)) return false;
    const std::string_view text(reinterpret_cast<const char*>(line.data()), line.size());
    boost::system::error_code error;
    const json::value root = json::parse(text, error);
    const json::value* kind =
        !error && root.is_object() ? root.get_object().if_contains("penstock") : nullptr;
    if (!kind || !kind->is_string()) {
        fail(c, Refusal::kBadJson, "a control line is a JSON object whose member penstock is a string");
        return true;
    }
    const std::string_view name = kind->get_string();
    if (name == "hello") {
        if (c.introduced)
            fail(c, Refusal::kBadValue, "hello comes first on a connection, and once");
        else
            hello(c, text);
        return true;
    }
    if (!c.introduced && !introduce_anonymous(c)) return true;
    if (name == "watermark") {
        watermark(c, text);
    } else if (name == "heartbeat") {
        ++c.acks_wanted;
        process();
        touch(c);
    } else if (name == "caught-up") {
        process();
        note_presence(ControlKind::kCaughtUp, c);
    } else if (name == "seq") {
        const json::value* seq = root.get_object().if_contains("seq");
        if (c.producer_name.empty() || !seq || !seq->is_int64() || seq->get_int64() < 1) {
            fail(c, Refusal::kBadValue, "seq has a positive integer and is for named producers");
        } else {
            const auto next = static_cast<uint64_t>(seq->get_int64());
            if (next > c.next_new)
                fail(c, Refusal::kGap,
                     fmt::format("sequence {} was announced but {} is expected", next, c.next_new));
            else
                c.next_position = next;
        }
    } else {
        fail(c, Refusal::kBadValue,
             fmt::format(
                 "control line '{}' is not known; known are hello, watermark, heartbeat, caught-up, seq",
                 name.substr(0, 64)));
    }
    return true;
}

}  // namespace penstock
