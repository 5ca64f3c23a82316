// An endless stream of the generator's events out of a block in memory: before a part of the block is used
// again it gets new ids, new subjects and the present time. So the sender costs next to nothing, its memory
// is bounded, every event is new, and what each will do downstream is known in advance.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "perf/support/bench.h"
#include "schemas/log_record.h"
#include "schemas/wire.h"

namespace penstock::bench {

/// The workflow over the generator's types, by subject. Some of its deadlines are kept, some are missed.
extern const std::string_view kWorkflow;
inline constexpr size_t kEdges = 3;
inline constexpr size_t kRegions = 5;
inline constexpr std::array<std::string_view, kRegions> kRegionNames{"us", "ca", "eu", "apac", "latam"};

/// The same over types of its own, as long as the generator's. `number` below 1,000.
std::string workflow_of_own_types(uint32_t number);

/// Of two types only, for a feed with `open_cases`; nothing is missed.
extern const std::string_view kTwoStepWorkflow;

/// What a number of events does in an appliance that has kWorkflow, or kTwoStepWorkflow.
struct FeedEffects {
    std::array<uint64_t, kRegions> regions{};  ///< events of each
    std::array<uint64_t, kEdges> anchored{};   ///< deadlines armed
    std::array<uint64_t, kEdges> settled{};    ///< of those: settled in the end, met or late
    uint64_t events = 0;
    uint64_t repeats = 0;  ///< of the events: sent before, to be recognised as duplicates
};

/// One thread.
class EventFeed {
  public:
    enum class Format : uint8_t { kJson, kBinary };
    struct Options {
        Format format = Format::kJson;
        uint32_t block_events = 65'536;
        uint32_t cameras = 8'192;  ///< subjects of a block; the next block has others
        uint64_t seed = 1;         ///< below 16; two feeds to one appliance need two
        /// 0: types as the generator has them, for kWorkflow. Else subjects are dealt out to so many, at most
        /// 1,000, workflows of own types, workflow_of_own_types().
        uint32_t workflows = 0;
        /// Instead of the generator's: event_mix.h. What they do to workflows is not foreseen.
        bool mix = false;
        /// Instead of the generator's types and subjects, for kTwoStepWorkflow: a subject of its own for each
        /// case; so many begin, then in turns one begins and one at random of those that are open is settled.
        /// 0: each is settled by the event behind it.
        std::optional<uint32_t> open_cases = {};
    };
    explicit EventFeed(const Options& options);

    /// Bytes of the next events, at most `events_max` and not past the end of the block, as they go on the
    /// wire: NDJSON lines, or the body of an events frame. Valid until the block has come round.
    struct Part {
        std::span<const uint8_t> bytes;
        uint64_t events = 0;
    };
    Part next(uint64_t events_max, StampNs wall_ns);
    /// Of all that next() has given so far.
    const FeedEffects& effects() const { return effects_; }
    double bytes_an_event() const {
        return static_cast<double>(block_.size()) / static_cast<double>(items_.size());
    }

    /// Bytes and length of one event inside a part's bytes, for those who need no wire.
    struct Item {
        uint32_t begin = 0, length = 0;  ///< of the line without its end, or of the FlatBuffers bytes
        uint32_t id = 0, type = 0, subject = 0, time = 0;  ///< where the parts that change lie
        uint32_t next = 0;  ///< where the following event's bytes on the wire begin
        uint8_t region = 0, anchors = 0, settles = 0;  ///< bits by edge
        uint8_t lateness = 0;                          ///< of a mix
        bool repeat = false;
    };
    /// Of the block's event at `index`; a part's events are consecutive.
    const Item& item(uint64_t index) const { return items_[index]; }
    uint64_t position() const { return at_; }  ///< index of the next event in the block
    const uint8_t* block() const { return block_.data(); }

  private:
    void add_generated();
    void add_mix();
    void add(std::string_view line);
    void add_line(std::string_view line);
    void add_frame_item(std::string_view line);
    void foresee();
    void begin_round(StampNs wall_ns);
    void write_time(const Item& item, StampNs wall_ns);
    void write_case(const Item& item);

    const Options options_;
    std::vector<uint8_t> block_;  ///< with padding behind it
    std::vector<Item> items_;
    std::vector<std::string> types_, subjects_;  ///< beside items_, while the block is made
    uint64_t at_ = 0, round_ = 0;
    StampNs round_ns_ = 0;                 ///< of a mix: when this round began
    std::vector<std::string> late_texts_;  ///< of a mix: this round's times, by lateness
    std::string time_text_;                ///< of the generator's: the present part's time
    std::vector<uint32_t> open_;           ///< numbers of the cases that are open
    uint32_t cases_ = 0;                   ///< that have begun
    Random random_{7};
    FeedEffects effects_;
};

/// The head of an events frame around `body`.
wire::FrameHeader frame_header(std::span<const uint8_t> body, uint64_t events);

}  // namespace penstock::bench
