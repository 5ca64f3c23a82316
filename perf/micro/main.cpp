// bench_micro [name...]: the parts by themselves. Results as JSON lines on stdout.
#include <CLI/CLI.hpp>
#include <array>
#include <filesystem>
#include <iostream>

#include "perf/micro/micro.h"

int main(int argc, char** argv) {
    using namespace penstock::bench;
    struct Benchmark {
        const char* name;
        void (*run)(const MicroOptions&);
    };
    constexpr std::array<Benchmark, 10> kBenchmarks{{{"ring", bench_ring},
                                                     {"parse", bench_parse},
                                                     {"dedup", bench_dedup},
                                                     {"timers", bench_timers},
                                                     {"engine", bench_engine},
                                                     {"workflows", bench_workflows},
                                                     {"enrich", bench_enrich},
                                                     {"log", bench_log},
                                                     {"expression", bench_expression},
                                                     {"tls", bench_tls}}};
    CLI::App app(
        "Penstock's parts by themselves: ring, parse, dedup, timers, engine, workflows, enrich, log, "
        "expression, tls.");
    MicroOptions options;
    std::vector<std::string> wanted;
    app.add_option("name", wanted, "which; all when none is named");
    app.add_option("--folder", options.folder,
                   "where the log benchmark writes; emptied, and removed at the end")
        ->required();
    app.add_option("--runs", options.runs, "of each measurement")->capture_default_str();
    app.add_flag("--quick", options.quick, "small sizes");
    CLI11_PARSE(app, argc, argv);
    int code = 0;
    std::filesystem::create_directories(options.folder);
    for (const auto& [name, run] : kBenchmarks) {
        if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
        try {
            std::cerr << "micro: " << name << '\n';
            run(options);
        } catch (const std::exception& e) {
            std::cerr << "bench_micro: " << name << ": " << e.what() << '\n';
            code = 1;
        }
    }
    std::error_code ignored;
    std::filesystem::remove_all(options.folder, ignored);
    return code;
}
