// Holds what happened against what is promised. Sees only what people could see: what producers were told,
// committed records of the log, rows of the regions.
#pragma once

#include <fmt/format.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "stages/alert/alert_book.h"
#include "stages/sequence/producer_positions.h"
#include "stages/sla/engine.h"
#include "storage/event_log.h"
#include "storage/state_store.h"
#include "tests/simulation/region.h"
#include "tests/support/engine_rig.h"

namespace penstock::simulation {

/// An event that a producer made.
struct MadeEvent {
    enum class Fault : uint8_t { kNone, kBadJson, kMissingField, kUnknownRegion } fault = Fault::kNone;
    std::string source, id, type, subject, region, data;
    StampNs time_ns = kNoTime;

    std::string json() const;
    std::string identity() const { return source + '\n' + id; }
    std::string content() const;
};

/// One thread. After the first violation it keeps quiet: failure() has it.
class Checker {
  public:
    struct Options {
        int64_t window_ns;
        int64_t instance_retention_ns;
        bool producers_start_over;
        std::vector<std::string> regions;  ///< by log id
    };
    explicit Checker(Options options);
    ~Checker();

    const std::string& failure() const { return failure_; }
    void fail(const std::string& what) {
        if (failure_.empty()) failure_ = what;
    }

    // --- what producers do and hear ---
    /// Before its first byte leaves.
    void sent(const MadeEvent& event);
    /// An answer counts it, and does not refuse it: stored, or a duplicate of what is.
    void told_stored(const MadeEvent& event, const std::string& who);
    /// An answer refuses it. `origin`: origin_of().
    void told_refused(const MadeEvent& event, const std::string& origin, const std::string& cause);
    /// A named producer's position is answered for, in whatever way.
    void told_done(const MadeEvent& event, const std::string& origin);
    /// `producer`: the name of a named one, else the connection's peer.
    static std::string origin_of(const std::string& producer, uint64_t position) {
        return fmt::format("{}#{}", producer, position);
    }

    /// The wall clock was set forward by more than the window, to `to_ns`.
    void clock_leapt(StampNs to_ns) { leaps_.push_back(to_ns); }

    // --- the log ---
    /// Reads what was committed since the last call.
    void committed(const EventLog& log);
    /// After a restart: everything that was committed is there, unchanged.
    void reopened(const EventLog& log);
    Seq next_seq() const { return next_seq_; }
    StampNs last_stamp_ns() const { return last_stamp_ns_; }
    StampNs last_deadline_ns() const { return last_deadline_ns_; }

    // --- live effects ---
    void live_effect(const SlaEffect& effect) { live_.push_back(effect); }
    /// What was told before its record was durable goes with a crash.
    void forget_live_effects(Seq not_durable_from);

    // --- regions ---
    void stored_in_region(const std::string& region, const std::vector<RegionRow>& rows);

    /// Data of an event that its region has not taken yet; empty: there is none.
    std::string data_not_in_region() const;

    // --- the end: everything has settled ---
    void final_regions(const std::vector<RegionDatabase*>& regions, const std::string& log_id);
    void final_state(const StateStore& state);
    void final_deadlines(const Engine& live, bool workflow_changed);

    struct Figures {
        uint64_t events = 0, dead_letters = 0, controls = 0, missed = 0, met = 0, late = 0, rows = 0;
    };
    Figures figures;

  private:
    struct Item {
        std::string identity, content, data;
        uint16_t region = 0;
        StampNs stamp_ns = 0;
        bool poison = false;
    };
    struct Stored {
        Seq seq;
        StampNs stamp_ns;
        std::string content;
    };
    void take(const RecordView& record);
    void take_event(const RecordView& record, size_t i);
    void take_dead_letter(const RecordView& record, size_t i);
    bool has(const MadeEvent& event) const;
    bool taken_before_leap(StampNs stamp_ns) const;

    const Options options_;
    std::string failure_;
    std::unordered_map<std::string, std::set<std::string>> sent_;  ///< contents by identity
    std::map<Seq, Item> items_;                                    ///< events of the log
    std::unordered_map<std::string, std::vector<Stored>> stored_;  ///< by identity
    std::map<std::string, std::set<uint16_t>> letters_;            ///< causes by origin
    std::map<Seq, uint64_t> records_;                              ///< checksum by first sequence
    Seq next_seq_ = 1;
    StampNs last_stamp_ns_ = 0, last_deadline_ns_ = 0;
    std::vector<StampNs> leaps_;
    std::map<std::string, uint64_t> last_number_;  ///< of each named producer's events in the log
    std::map<std::string, std::set<int64_t>> region_seqs_;

    // A second engine that sees each committed record once, from the first.
    Engine shadow_;
    ProducerPositions shadow_positions_;
    AlertBook shadow_alerts_;
    std::vector<SlaEffect> shadow_effects_, live_;
};

}  // namespace penstock::simulation
