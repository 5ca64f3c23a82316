// What an appliance makes of the same load when it has many of something: keys, tenants, connections, and
// records in its log. No region has a database; so none holds the log up.
#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>

#include "perf/e2e/in_turns.h"
#include "pipeline/api_key.h"
#include "schemas/limits.h"
#include "storage/event_log.h"

namespace penstock::bench {
namespace {

constexpr uint32_t kFewKeys = 1'000;
constexpr size_t kMany = 1'000;
/// So that each of many connections has two parts of 64 events under way, and a case is within one of them.
constexpr uint64_t kWindowEvents = 128 * kMany;

/// What is settled goes at once, so that the cases that are held are those that are open.
constexpr std::string_view kSettledGo = "[sla]\nworkflows = [\"workflow.json\"]\ninstance_retention_s = 1\n";

/// Identities in the dedup window, and cases that are open with a deadline armed: of each at least so many.
void expect_held(const Side& side, uint64_t keys) {
    const auto status = side.appliance.status();
    const uint64_t identities = number_of(status.at("dedup").at("keys")),
                   cases = number_of(status.at("sla").at("instances"));
    expect(identities >= keys && cases >= keys,
           fmt::format("{} identities and {} cases are held instead of {}", identities, cases, keys));
}

Side side_with_keys(const EndToEndOptions& options, uint64_t keys, int window_s) {
    return {options,
            {.name = std::to_string(keys),
             .config = fmt::format("{}[dedup]\nwindow_s = {}\n{}", kLargeLog, window_s, kSettledGo),
             .workflow = kTwoStepWorkflow,
             .feed = {.open_cases = static_cast<uint32_t>(keys)}}};
}

/// Each event concerns any of the keys. The window of few is as short as can be, or it would soon hold many.
void compare_keys(const EndToEndOptions& options) {
    Side few = side_with_keys(options, kFewKeys, 1), many = side_with_keys(options, options.held_keys, 3600);
    std::cerr << fmt::format("growth: {} keys first\n", options.held_keys);
    for (auto [side, keys] : {std::pair{&few, uint64_t{kFewKeys}}, {&many, options.held_keys}})
        side->load(keys);
    expect_held(many, options.held_keys);
    compare_in_turns(options, few, many, "e2e/growth/keys",
                     "events/s with so many open cases and identities to those with 1,000 open cases");
    expect_held(many, options.held_keys);
    few.stop(), many.stop();
}

/// Events of each, in the log.
void expect_from_each(const Side& side, size_t tenants) {
    const EventLog log({.path = side.folder + "/data/log", .read_only = true});
    std::vector<uint64_t> events(limits::kTenantsMax);
    LogReader(log).scan(
        1,
        [&](const RecordView& record) {
            if (record.header->kind != RecordKind::kEvents) return true;
            for (size_t i = 0; i < record.count(); ++i) ++events.at(record.heads[i].tenant);
            return true;
        },
        true);
    const auto sent = static_cast<size_t>(std::ranges::count_if(events, [](uint64_t n) { return n > 0; }));
    expect_equal(sent, tenants, "tenants that have events in the log");
}

/// A connection is of one tenant; so both have as many.
void compare_tenants(const EndToEndOptions& options) {
    const auto side_of = [&](size_t count) {
        std::vector<TenantKey> tenants;
        std::string config = std::string(kLargeLog) + std::string(kSettledGo);
        for (size_t i = 0; i < count; ++i) {
            tenants.push_back({fmt::format("t{}", i), make_api_key()});
            config += fmt::format("[[tenant]]\nname = \"{}\"\nkey_hash = \"{}\"\n", tenants.back().tenant,
                                  hash_api_key(tenants.back().key));
        }
        return Side(options,
                    {.name = std::to_string(count),
                     .config = std::move(config),
                     .workflow = kTwoStepWorkflow,
                     .feed = {.open_cases = 0},
                     .load = {.connections = kMany, .window_events = kWindowEvents, .tenants = tenants}});
    };
    Side one = side_of(1), many = side_of(kMany);
    compare_in_turns(options, one, many, "e2e/growth/tenants",
                     "events/s of 1,000 tenants to those of one; 1,000 connections each");
    one.stop(), many.stop();
    expect_from_each(one, 1), expect_from_each(many, kMany);
}

void compare_connections(const EndToEndOptions& options) {
    const auto side_of = [&](size_t count) {
        return Side(options, {.name = std::to_string(count),
                              .config = std::string(kLargeLog) + std::string(kSettledGo),
                              .workflow = kTwoStepWorkflow,
                              .feed = {.open_cases = 0},
                              .load = {.connections = count, .window_events = kWindowEvents}});
    };
    Side one = side_of(1), many = side_of(kMany);
    compare_in_turns(options, one, many, "e2e/growth/connections",
                     "events/s of 1,000 connections to those of one; as many events under way");
    one.stop(), many.stop();
}

/// One appliance, whose log passes its retention again and again: the first third of the events beside the
/// last.
void compare_log_length(const EndToEndOptions& options) {
    // As short as can be: nothing leaves the log inside the dedup window, nor before a checkpoint has it.
    constexpr std::string_view kShortLog =
        "[log]\nbytes_max = \"32GiB\"\nretention_bytes = \"64MiB\"\n[dedup]\nwindow_s = 1\n"
        "[state]\ncheckpoint_s = 2\n";
    // With few cases, so that nothing but the log and what is kept of it could grow.
    Side side(options, {.name = "log",
                        .config = fmt::format("{}{}", kShortLog, kSettledGo),
                        .workflow = kTwoStepWorkflow,
                        .feed = {.open_cases = kFewKeys}});
    // Until identities, cases and records go as they come.
    constexpr double kWarmUpS = 5, kWarmUpRate = 100'000;
    side.load(static_cast<uint64_t>(kWarmUpS * kWarmUpRate), kWarmUpRate);
    struct Third {
        Runs cpu_ns, events_per_s, anonymous_mib;
    };
    std::array<Third, 3> thirds;
    for (Third& third : thirds) {
        for (size_t run = 0; run < options.runs; ++run) {
            side.measure(options.events);
            third.cpu_ns.add(side.cpu_ns.last());
            third.events_per_s.add(side.events_per_s.last());
            third.anonymous_mib.add(static_cast<double>(side.appliance.anonymous_bytes()) / 1048576);
        }
    }
    const auto log = side.appliance.status().at("log");
    const double gone = real_of(log.at("first_seq")), held = real_of(log.at("next_seq")) - gone;
    expect(gone > held, fmt::format("{} records have left the log, which holds {}", gone, held));
    side.stop();
    const Third &first = thirds.front(), &last = thirds.back();
    Result("e2e/growth/log/first_third_to_last", first.cpu_ns.median() / last.cpu_ns.median(), "ratio")
        .target(kShareOfFew)
        .more("first_third_cpu_ns_an_event", first.cpu_ns.median())
        .more("last_third_cpu_ns_an_event", last.cpu_ns.median())
        .more("first_third_events_per_s", first.events_per_s.median())
        .more("last_third_events_per_s", last.events_per_s.median())
        .more("first_third_anonymous_mib", first.anonymous_mib.median())
        .more("last_third_anonymous_mib", last.anonymous_mib.median())
        .more("events", static_cast<double>(side.feed.effects().events))
        .more("times_its_length", gone / held)
        .note("the appliance's CPU an event while the log passes its retention again and again")
        .print();
}

}  // namespace

void run_growth(const EndToEndOptions& options) {
    const std::pair<std::string_view, void (*)(const EndToEndOptions&)> all[] = {
        {"keys", compare_keys},
        {"tenants", compare_tenants},
        {"connections", compare_connections},
        {"log", compare_log_length}};
    for (const auto& [name, compare] : all) {
        if (options.growth_of != "all" && options.growth_of != name) continue;
        compare(options);
        std::filesystem::remove_all(options.folder);
    }
}

}  // namespace penstock::bench
