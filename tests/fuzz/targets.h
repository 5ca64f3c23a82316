// What reads bytes from outside, each as a function of bytes. A fuzzer calls one with inputs of its own
// making, the ordinary suite with the files of corpus/NAME. A broken promise ends the process with a message.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace penstock::fuzz {

/// Always 0, as libFuzzer wants it.
using Target = int (*)(const uint8_t* data, size_t size);

int ndjson(const uint8_t* data, size_t size);      ///< an NDJSON connection, also cut anywhere
int frames(const uint8_t* data, size_t size);      ///< a connection of binary frames, also cut anywhere
int json_event(const uint8_t* data, size_t size);  ///< one event line
int flatbuffer_event(const uint8_t* data, size_t size);
int config(const uint8_t* data, size_t size);
int workflow(const uint8_t* data, size_t size);
int log_record(const uint8_t* data, size_t size);
int lookup_table(const uint8_t* data, size_t size);
int http_query(const uint8_t* data, size_t size);
int expression(const uint8_t* data, size_t size);

struct NamedTarget {
    const char* name;
    Target run;
};
inline constexpr NamedTarget kTargets[] = {
    {"ndjson", ndjson},         {"frames", frames},         {"json_event", json_event},
    {"config", config},         {"workflow", workflow},     {"flatbuffer_event", flatbuffer_event},
    {"log_record", log_record}, {"http_query", http_query}, {"lookup_table", lookup_table},
    {"expression", expression},
};

inline void require(bool holds, const std::string& what) {
    if (holds) return;
    fmt::print(stderr, "broken promise: {}\n", what);
    std::abort();
}
inline std::string_view text_of(const uint8_t* data, size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

}  // namespace penstock::fuzz
