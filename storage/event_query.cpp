#include "storage/event_query.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xxhash.h>

#include <algorithm>
#include <charconv>

namespace penstock {
namespace {

/// Cursors are handed out for one order of one query; this tells them apart.
uint64_t fingerprint(const EventQuery& query, const EventOrder& order) {
    const std::string text =
        fmt::format("{} {} {}", text_of(query), static_cast<int>(order.by), order.oldest_first);
    return XXH3_64bits(text.data(), text.size());
}

template <typename Number>
bool read_hex(std::string_view text, Number& into) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into, 16);
    return error == std::errc{} && end == text.data() + text.size();
}

void add_part(std::string& to, std::string_view part) { to += fmt::format("{}:{},", part.size(), part); }

}  // namespace

std::string text_of(const EventQuery& q) {
    std::string text;
    for (const std::string* part : {&q.subject, &q.type, &q.tenant, &q.region, &q.text})
        add_part(text, *part);
    text += fmt::format("{} {} {} {} {} {} ", q.time.from_us, q.time.to_us, q.received.from_us,
                        q.received.to_us, q.severity_at_least, static_cast<int>(q.state));
    for (const auto* names : {&q.scope.regions, &q.scope.tenants}) {
        text += fmt::format("{} ", names->size());
        std::vector<std::string> sorted = *names;
        std::sort(sorted.begin(), sorted.end());
        for (const std::string& name : sorted) add_part(text, name);
    }
    return text;
}

std::string write_cursor(const EventPosition& at, const EventQuery& query, const EventOrder& order) {
    return fmt::format("{:x}.{:x}.{:x}.{}.{}", fingerprint(query, order), at.value_us, at.seq, at.log,
                       at.region);
}

std::optional<EventPosition> read_cursor(std::string_view text, const EventQuery& query,
                                         const EventOrder& order) {
    std::string_view parts[5];
    for (std::string_view& part : parts) {
        const size_t dot = &part == &parts[4] ? text.size() : text.find('.');
        if (dot == std::string_view::npos) return std::nullopt;
        part = text.substr(0, dot);
        text.remove_prefix(std::min(text.size(), dot + 1));
    }
    uint64_t print = 0;
    EventPosition at;
    if (!read_hex(parts[0], print) || !read_hex(parts[1], at.value_us) || !read_hex(parts[2], at.seq) ||
        print != fingerprint(query, order))
        return std::nullopt;
    at.log = parts[3];
    at.region = parts[4];
    return at;
}

void keep_page(std::vector<FoundEvent>& events, const EventOrder& order,
               const std::optional<EventPosition>& after, size_t limit) {
    if (after)
        std::erase_if(events, [&](const FoundEvent& event) {
            const EventPosition at = event.position(order.by);
            return order.oldest_first ? at <= *after : at >= *after;
        });
    const auto goes_before = [&](const FoundEvent& a, const FoundEvent& b) {
        return order.oldest_first ? a.position(order.by) < b.position(order.by)
                                  : a.position(order.by) > b.position(order.by);
    };
    std::sort(events.begin(), events.end(), goes_before);
    if (events.size() > limit) events.resize(limit);
}

void EventCounts::add(const EventCounts& more) {
    events += more.events;
    first_us = std::min(first_us, more.first_us);
    last_us = std::max(last_us, more.last_us);
    severity_max = std::max(severity_max, more.severity_max);
}

}  // namespace penstock
