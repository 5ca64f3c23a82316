// Events of a fleet of cameras, as fast as they can be written: for trying things out, tests and benchmarks.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/clock.h"

namespace penstock::cli {

/// One thread. The same seed and options give the same lines, byte for byte, unless a clock is given.
/// Each camera keeps its device, its location and its region, so a subject's events stay together.
class EventGenerator {
  public:
    /// 2026-01-01T00:00:00Z: where time begins for a given seed.
    static constexpr int64_t kFixedStartNs = 1'767'225'600'000'000'000;

    struct Options {
        uint32_t cameras = 1000;        ///< subjects
        double duplicates_percent = 0;  ///< of the lines, repeat one of the last thousand
        int64_t start_ns = kFixedStartNs;
        int64_t interval_ns = 1'000'000;  ///< between the times of two events
        const Clock* clock = nullptr;     ///< where given, times are its wall clock
        /// Events from one of an incident to its next (motion, object, face, all with the same
        /// `data.incident`; of few an intrusion in the place of the face, few stall). 0: types by chance, and
        /// no incident.
        uint64_t incident_gap = 0;
    };
    EventGenerator(uint64_t seed, const Options& options);

    /// Appends one CloudEvents 1.0 line of about 268 bytes, ended by '\n'.
    void next(std::string& out);

    /// A seed that no other run has.
    static uint64_t random_seed();

  private:
    struct Camera {
        std::string before_type;  ///< "...","source":"/devices/device-12","type":"
        std::string subject;      ///< `","subject":"camera-0047","time":"`
        std::string region;
        std::string after_severity;  ///< `,"data":{"location":...,"frame":"`
        bool may_say_na = false;
    };
    /// What one event tells.
    struct Story {
        uint32_t camera;
        std::string_view type;
        uint64_t incident;
    };
    uint64_t random();
    Story incident_story() const;
    void write_event(std::string& out);
    void write_time(int64_t utc_ns, std::string& out);

    const Options options_;
    std::array<uint64_t, 2> state_;
    std::string prefix_;  ///< of ids: names the run
    uint64_t incidents_seed_ = 0;
    std::vector<Camera> cameras_;
    uint64_t count_ = 0;
    uint64_t duplicate_below_ = 0;  ///< threshold on 32 random bits
    std::vector<std::string> recent_;
    int64_t second_ = -1;      ///< whose text is in second_text_
    std::string second_text_;  ///< "2026-01-01T00:00:00"
};

}  // namespace penstock::cli
