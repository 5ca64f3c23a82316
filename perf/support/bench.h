// What every benchmark shares: time, medians, checks, and the line in which a result is told.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/clock.h"

namespace penstock::bench {

/// A benchmark computed something wrong: its figure is worth nothing and is not printed.
struct CheckFailed : std::runtime_error {
    using std::runtime_error::runtime_error;
};
inline void expect(bool holds, const std::string& what) {
    if (!holds) throw CheckFailed(what);
}
template <typename A, typename B>
void expect_equal(const A& found, const B& wanted, std::string_view what) {
    if (!(found == wanted)) throw CheckFailed(fmt::format("{}: {} instead of {}", what, found, wanted));
}

inline double seconds_since(int64_t begin_ns) {
    return static_cast<double>(monotonic_now_ns() - begin_ns) * 1e-9;
}

/// Values of the repeated runs of one measurement.
class Runs {
  public:
    void add(double value) { values_.push_back(value); }
    size_t count() const { return values_.size(); }
    double median() const {
        std::vector<double> sorted = values_;
        std::sort(sorted.begin(), sorted.end());
        const size_t middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
    double at(size_t i) const { return values_[i]; }
    double last() const { return values_.back(); }
    double low() const { return *std::min_element(values_.begin(), values_.end()); }
    double high() const { return *std::max_element(values_.begin(), values_.end()); }

  private:
    std::vector<double> values_;
};

/// One line of results, as a JSON object on stdout. perf/report.cpp gathers the lines.
class Result {
  public:
    Result(std::string_view name, double value, std::string_view unit)
        : text_(fmt::format(R"({{"name":"{}","value":{:.6g},"unit":"{}")", name, value, unit)) {}
    Result(std::string_view name, const Runs& runs, std::string_view unit)
        : Result(name, runs.median(), unit) {
        text_ +=
            fmt::format(R"(,"low":{:.6g},"high":{:.6g},"runs":{})", runs.low(), runs.high(), runs.count());
    }
    /// What the value is to reach; by `at_most` it is to stay below.
    Result& target(double value, bool at_most = false) {
        text_ += fmt::format(R"(,"target":{:.6g},"target_is":"{}")", value, at_most ? "at most" : "at least");
        return *this;
    }
    Result& more(std::string_view name, double value) {
        text_ += fmt::format(R"(,"{}":{:.6g})", name, value);
        return *this;
    }
    /// Text without characters that JSON escapes.
    Result& more(std::string_view name, std::string_view text) {
        text_ += fmt::format(R"(,"{}":"{}")", name, text);
        return *this;
    }
    Result& note(std::string_view sentence) { return more("note", sentence); }
    void print() const {
        fmt::print("{}}}\n", text_);
        std::fflush(stdout);
    }

  private:
    std::string text_;
};

/// Turned by hand.
class ManualClock final : public Clock {
  public:
    explicit ManualClock(StampNs start_ns) : now_ns_(start_ns) {}
    StampNs wall_ns() const override { return now_ns_; }
    int64_t monotonic_ns() const override { return now_ns_; }
    void pass(int64_t ns) { now_ns_ += ns; }

  private:
    StampNs now_ns_;
};

/// splitmix64 (Steele, Lea, Flood 2014).
class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed) {}
    uint64_t next() {
        uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }

  private:
    uint64_t state_;
};

}  // namespace penstock::bench
