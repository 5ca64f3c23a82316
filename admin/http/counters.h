// What the HTTP side counts of itself. Written by its one thread only.
#pragma once

#include "pipeline/telemetry.h"

namespace penstock::http {

struct Counters {
    Gauge connections_open;
    Counter connections_accepted, connections_refused;
    Counter requests, client_errors, server_errors;
    Counter query_cache_hits, query_cache_misses;
    Gauge query_cache_bytes;
    Counter queries_refused;  ///< too many at once
    Gauge stream_clients;
    Counter stream_pushes, stream_pushes_skipped;  ///< skipped: the client had not taken the last one
};

}  // namespace penstock::http
