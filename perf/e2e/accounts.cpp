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
    for (size_t i = 0; i < kRegions; ++i) out.regions[i] += b.regions[i];
    for (size_t i = 0; i < kEdges; ++i) {
        out.anchored[i] += b.anchored[i];
        out.settled[i] += b.settled[i];
    }
    return out;
}

namespace {

/// Of an edge, over all workflows that have its like.
uint64_t edge_count(const boost::json::object& status, size_t edge, std::string_view which) {
    uint64_t sum = 0;
    for (const auto& workflow : status.at("sla").at("workflows").as_array())
        sum += number_of(workflow.at("edges").at(edge).at(which));
    return sum;
}

}  // namespace

void check_accounts(const ApplianceProcess& appliance, const FeedEffects& sent) {
    boost::json::object status;
    for (int i = 0; i < 100; ++i) {  // the view is renewed four times a second
        status = appliance.status();
        if (number_of(status.at("sla").at("applied_seq")) == number_of(status.at("log").at("next_seq")) &&
            edge_count(status, 0, "anchored") == sent.anchored[0])
            break;
        const timespec pause{0, 50'000'000};
        nanosleep(&pause, nullptr);
    }
    const auto& events = status.at("events");
    expect_equal(number_of(events.at("received")), sent.events, "events received");
    expect_equal(number_of(events.at("stored")), sent.events, "events stored");
    expect_equal(number_of(events.at("duplicates")), 0u, "duplicates");
    expect_equal(number_of(events.at("dead_letters")), 0u, "dead letters");
    const auto& workflows = status.at("sla").at("workflows").as_array();
    expect(!workflows.empty(), "no workflow is active");
    for (const auto& workflow : workflows)
        expect_equal(workflow.at("edges").as_array().size(), kEdges, "edges of a workflow");
    for (size_t e = 0; e < kEdges; ++e) {
        const auto count = [&](std::string_view which) { return edge_count(status, e, which); };
        expect_equal(count("anchored"), sent.anchored[e], "deadlines armed");
        expect_equal(count("met") + count("late"), sent.settled[e], "deadlines settled");
        expect_equal(count("missed") + count("pending"), sent.anchored[e] - sent.settled[e],
                     "deadlines missed or pending");
    }
}

}  // namespace penstock::bench
