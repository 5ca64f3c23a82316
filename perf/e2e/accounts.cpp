#include "perf/e2e/e2e.h"

namespace penstock::bench {

std::string_view name_of(EventFeed::Format format) {
    return format == EventFeed::Format::kJson ? "json" : "binary";
}

uint64_t number_of(const boost::json::value& value) { return value.to_number<uint64_t>(); }
double real_of(const boost::json::value& value) { return value.is_null() ? 0 : value.to_number<double>(); }

FeedEffects sum(const FeedEffects& a, const FeedEffects& b) {
    FeedEffects out = a;
    out.events += b.events;
    out.repeats += b.repeats;
    for (size_t i = 0; i < kRegions; ++i) out.regions[i] += b.regions[i];
    for (size_t i = 0; i < kEdges; ++i) {
        out.anchored[i] += b.anchored[i];
        out.settled[i] += b.settled[i];
    }
    return out;
}

namespace {

/// The view is renewed four times a second, but not while a checkpoint is written: of ten million cases that
/// takes some seconds.
constexpr int64_t kPatienceNs = 60'000'000'000;

/// Of an edge, over all workflows that have it.
uint64_t edge_count(const boost::json::object& status, size_t edge, std::string_view which) {
    uint64_t sum = 0;
    for (const auto& workflow : status.at("sla").at("workflows").as_array()) {
        const auto& edges = workflow.at("edges").as_array();
        if (edge < edges.size()) sum += number_of(edges.at(edge).at(which));
    }
    return sum;
}

/// Once all that is committed is applied, and `counted`; or when patience ends.
template <typename Counted>
boost::json::object status_when(const ApplianceProcess& appliance, Counted counted) {
    const int64_t until_ns = monotonic_now_ns() + kPatienceNs;
    for (;;) {
        boost::json::object status = appliance.status();
        const bool applied =
            number_of(status.at("sla").at("applied_seq")) == number_of(status.at("log").at("next_seq"));
        if ((applied && counted(status)) || monotonic_now_ns() > until_ns || stop_requested()) return status;
        const timespec pause{0, 50'000'000};
        nanosleep(&pause, nullptr);
    }
}

void check_events(const boost::json::object& status, const FeedEffects& sent) {
    const auto& events = status.at("events");
    expect_equal(number_of(events.at("received")), sent.events, "events received");
    expect_equal(number_of(events.at("stored")), sent.events - sent.repeats, "events stored");
    expect_equal(number_of(events.at("duplicates")), sent.repeats, "duplicates");
    expect_equal(number_of(events.at("dead_letters")), 0u, "dead letters");
}

}  // namespace

void check_event_accounts(const ApplianceProcess& appliance, const FeedEffects& sent) {
    check_events(status_when(appliance, [](const boost::json::object&) { return true; }), sent);
}

void check_accounts(const ApplianceProcess& appliance, const FeedEffects& sent) {
    const boost::json::object status = status_when(appliance, [&](const boost::json::object& now) {
        return edge_count(now, 0, "anchored") == sent.anchored[0];
    });
    check_events(status, sent);
    expect(!status.at("sla").at("workflows").as_array().empty(), "no workflow is active");
    for (size_t e = 0; e < kEdges; ++e) {
        const auto count = [&](std::string_view which) { return edge_count(status, e, which); };
        expect_equal(count("anchored"), sent.anchored[e], "deadlines armed");
        expect_equal(count("met") + count("late"), sent.settled[e], "deadlines settled");
        expect_equal(count("missed") + count("pending"), sent.anchored[e] - sent.settled[e],
                     "deadlines missed or pending");
    }
}

}  // namespace penstock::bench
