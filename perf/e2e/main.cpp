// bench_e2e throughput | latency | workflows | growth | sustained | idle | recovery: see docs/performance.md.
// Results as JSON lines on stdout, what is going on on stderr.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "perf/e2e/e2e.h"

int main(int argc, char** argv) {
    using namespace penstock::bench;
    CLI::App app("Penstock end to end: TCP in, durable acks, SLA timers armed.");
    app.require_subcommand(1);
    EndToEndOptions options;
    app.add_option("--program", options.program, "path of penstock")->required();
    app.add_option("--folder", options.folder, "where data goes; emptied, and removed at the end")
        ->required();
    auto* throughput = app.add_subcommand("throughput", "closed loop, JSON and binary in turns");
    throughput->add_option("--events", options.events, "of one run")->capture_default_str();
    throughput->add_option("--runs", options.runs, "of each format")->capture_default_str();
    throughput->add_option("--format", options.format, "json, binary or both")->capture_default_str();
    auto* latency = app.add_subcommand("latency", "open loop");
    latency->add_option("--rate", options.rate, "events a second")->capture_default_str();
    latency->add_option("--seconds", options.seconds, "of each format")->capture_default_str();
    latency->add_option("--format", options.format, "json, binary or both")->capture_default_str();
    latency->add_option("--connections", options.connections, "producers")->capture_default_str();
    latency->add_flag("--mix", options.mix,
                      "120 bytes to 4 KB, few keys that get most, 5% sent twice, order disturbed");
    latency->add_option("--checkpoint-s", options.checkpoint_s, "seconds between two")->capture_default_str();
    auto* workflows = app.add_subcommand("workflows", "1,000 workflows beside one, and when deadlines fire");
    workflows->add_option("--events", options.events, "of one run")->capture_default_str();
    workflows->add_option("--runs", options.runs, "of each appliance")->capture_default_str();
    workflows->add_option("--rate", options.rate, "events a second, of open loop")->capture_default_str();
    workflows->add_option("--seconds", options.seconds, "of open loop")->capture_default_str();
    auto* growth = app.add_subcommand("growth", "many keys, tenants and connections, and a long log");
    growth->add_option("--events", options.events, "of one run")->capture_default_str();
    growth->add_option("--runs", options.runs, "of each appliance")->capture_default_str();
    growth->add_option("--keys", options.held_keys, "that many are")->capture_default_str();
    growth->add_option("--of", options.growth_of, "only this one")
        ->check(CLI::IsMember({"keys", "tenants", "connections", "log", "all"}))
        ->capture_default_str();
    auto* sustained = app.add_subcommand("sustained", "open loop into the regional databases");
    sustained->add_option("--rate", options.rate, "events a second")->capture_default_str();
    sustained->add_option("--seconds", options.seconds)->capture_default_str();
    sustained->add_option("--dsns", options.dsns, "file: a region and its connection string a line")
        ->required();
    sustained->add_option("--window", options.window_s, "dedup window, in seconds")->capture_default_str();
    auto* idle = app.add_subcommand("idle", "start, memory and processor of an appliance that nobody uses");
    idle->add_option("--runs", options.runs)->capture_default_str();
    idle->add_option("--seconds", options.seconds, "of all runs")->capture_default_str();
    auto* recovery = app.add_subcommand("recovery", "kill -9 under load, and how long the next start takes");
    recovery->add_option("--events", options.window_events, "in the dedup window")->capture_default_str();
    recovery->add_option("--keys", options.keys, "in flight")->capture_default_str();
    recovery->add_option("--rate", options.rate, "events a second at the kill")->capture_default_str();
    recovery->add_option("--seconds", options.seconds, "of that rate before the kill")->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    catch_stop_signals();
    int code = 0;
    try {
        std::filesystem::remove_all(options.folder);
        if (*throughput) run_throughput(options);
        if (*latency) run_latency(options);
        if (*workflows) run_workflows(options);
        if (*growth) run_growth(options);
        if (*sustained) run_sustained(options);
        if (*idle) run_idle(options);
        if (*recovery) run_recovery(options);
    } catch (const CheckFailed& e) {
        std::cerr << "bench_e2e: the check failed: " << e.what() << '\n';
        code = 1;
    } catch (const std::exception& e) {
        std::cerr << "bench_e2e: " << e.what() << '\n';
        code = 1;
    }
    std::error_code ignored;
    std::filesystem::remove_all(options.folder, ignored);
    return code;
}
