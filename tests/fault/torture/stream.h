// What a producer of the torture run sends: event n is always the same, so that nothing has to be remembered.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "admin/cli/event_text.h"
#include "schemas/event_fields.h"
#include "tests/support/seed.h"

namespace penstock::test::torture {

inline constexpr const char* kRegions[] = {"us", "eu"};
/// A ticket is opened by an odd event and closed by an even one, some tickets later: state is in flight at
/// every kill. Times lie in the past, so that every deadline has passed at once and counts are settled.
inline constexpr const char* kWorkflow =
    R"({"name":"torture","key":"subject","edges":[{"from":"opened","to":"closed","within_ms":60000}]})";

struct Event {
    uint64_t number;
    bool bad;  ///< must be refused, and become a dead letter
    int region;
    std::string id, source, type, subject, data;
    StampNs time_ns;

    std::string line() const {
        if (bad) return fmt::format("this is no event: {} of {}\n", id, source);
        return fmt::format(
            R"({{"specversion":"1.0","id":"{}","source":"{}","type":"{}","subject":"{}","time":"{}",)"
            R"("region":"{}","data":{}}})"
            "\n",
            id, source, type, subject, cli::format_rfc3339(time_ns), kRegions[region], data);
    }
    EventFields fields() const {
        EventFields f;
        f.id = id, f.source = source, f.type = bad ? std::string_view() : std::string_view(type);
        f.subject = subject, f.region = kRegions[region], f.data = data, f.time_ns = time_ns;
        return f;
    }
};

/// One well-mixed number of (producer, n, what).
inline uint64_t mixed(uint64_t producer, uint64_t n, uint64_t what) {
    uint64_t x = seed() ^ (producer << 56) ^ (what << 48) ^ n;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

inline std::string source_of(size_t producer) { return fmt::format("/torture/{}", producer); }

/// `n` from 1.
inline Event event_of(size_t producer, uint64_t n) {
    constexpr uint64_t kApart = 40;
    constexpr StampNs kSecondNs = 1'000'000'000, kFirst = 1'767'225'600 * kSecondNs;
    Event e{};
    e.number = n;
    e.bad = mixed(producer, n, 1) % 500 == 0;
    e.region = static_cast<int>(mixed(producer, n, 2) % 2);
    e.id = std::to_string(n);
    e.source = source_of(producer);
    const bool opens = n % 2 == 1;
    const uint64_t ticket = opens || n <= 2 * kApart ? n / 2 : n / 2 - kApart;
    e.type = opens ? "opened" : n <= 2 * kApart || mixed(producer, n, 3) % 5 == 0 ? "noted" : "closed";
    e.subject = fmt::format("ticket-{}-{}", producer, ticket);
    e.time_ns = kFirst + static_cast<StampNs>(ticket) * kSecondNs;
    // In time, exactly at the deadline, or late.
    if (!opens) e.time_ns += static_cast<StampNs>(mixed(producer, n, 4) % 5 * 20) * kSecondNs;
    e.data = fmt::format(R"({{"n":{},"pad":"{}"}})", n, std::string(mixed(producer, n, 5) % 200, 'x'));
    return e;
}

}  // namespace penstock::test::torture
