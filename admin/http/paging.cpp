#include "admin/http/paging.h"

#include <fmt/format.h>

#include <algorithm>

#include "admin/http/text.h"
#include "pipeline/rfc3339.h"

namespace penstock::http {

Parameters::Parameters(std::string_view query, std::initializer_list<std::string_view> known) {
    while (!query.empty()) {
        const size_t end = query.find('&');
        const std::string_view part = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
        if (part.empty()) continue;
        const size_t equals = part.find('=');
        const auto name = percent_decode(part.substr(0, equals));
        const auto value = percent_decode(equals == std::string_view::npos ? "" : part.substr(equals + 1));
        if (!name || !value || !is_utf8(*name) || !is_utf8(*value)) {
            errors.push_back({std::string(part.substr(0, equals)), "is not valid percent-encoded UTF-8"});
        } else if (std::find(known.begin(), known.end(), *name) == known.end()) {
            errors.push_back({*name, fmt::format("is not known here; use {}", fmt::join(known, ", "))});
        } else if (find(*name) != nullptr) {
            errors.push_back({*name, "is given twice"});
        } else {
            values_.emplace_back(*name, *value);
        }
    }
}

std::string Parameters::text(std::string_view name) const {
    const std::string* value = find(name);
    return value == nullptr ? std::string() : *value;
}

uint64_t Parameters::number(std::string_view name, uint64_t otherwise, uint64_t min, uint64_t max) {
    const std::string* value = find(name);
    if (value == nullptr) return otherwise;
    const auto n = parse_unsigned(*value);
    if (n && *n >= min && *n <= max) return *n;
    wrong(name, fmt::format("must be a whole number from {} to {}", min, max));
    return otherwise;
}

StampNs Parameters::time(std::string_view name, StampNs otherwise) {
    const std::string* value = find(name);
    if (value == nullptr) return otherwise;
    if (const auto at = parse_rfc3339(*value)) return *at;
    wrong(name, "must be an RFC 3339 instant, for example 2026-01-31T08:00:00Z");
    return otherwise;
}

const std::string* Parameters::find(std::string_view name) const {
    for (const auto& [key, value] : values_) {
        if (key == name) return &value;
    }
    return nullptr;
}

Response page_of_items(const EventPage& page, std::string_view path, size_t limit,
                       std::initializer_list<std::pair<std::string_view, std::string_view>> filters) {
    std::string next;
    if (page.next_before != 0) {
        next = fmt::format("{}?limit={}&before={}", path, limit, page.next_before);
        for (const auto& [name, value] : filters) {
            if (!value.empty()) next += fmt::format("&{}={}", name, percent_encode(value));
        }
    }
    JsonWriter json;
    json.begin_object().key("items").raw(page.items);
    json.key("next");
    next.empty() ? json.null() : json.value(next);
    // A search that was cut short is not an empty result; the reader must be able to tell.
    json.key("stopped");
    page.stopped.empty() || page.stopped == "limit" ? json.null() : json.value(page.stopped);
    json.field("scanned_events", page.scanned_events).end_object();
    Response answer;
    answer.body = json.take();
    if (!next.empty()) answer.header("Link", fmt::format("<{}>; rel=\"next\"", next));
    return answer;
}

}  // namespace penstock::http
