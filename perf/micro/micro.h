// The micro benchmarks of bench_micro. Each checks what it computed before it reports.
#pragma once

#include <string>

#include "perf/support/bench.h"

namespace penstock::bench {

struct MicroOptions {
    std::string folder;  ///< for what needs a disk; exists
    size_t runs = 5;
    bool quick = false;  ///< smaller sizes, for trying the harness
};

void bench_ring(const MicroOptions& options);
void bench_parse(const MicroOptions& options);
void bench_dedup(const MicroOptions& options);
void bench_timers(const MicroOptions& options);
void bench_engine(const MicroOptions& options);
void bench_workflows(const MicroOptions& options);
void bench_enrich(const MicroOptions& options);
void bench_log(const MicroOptions& options);
void bench_expression(const MicroOptions& options);
void bench_tls(const MicroOptions& options);

}  // namespace penstock::bench
