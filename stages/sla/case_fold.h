// What a case has come to: a function of its events in the order of their own times. Whatever order they
// arrive in, the same events give the same state.
#pragma once

#include <span>
#include <vector>

#include "pipeline/timer_wheel.h"
#include "schemas/log_record.h"
#include "schemas/workflow_view.h"
#include "stages/sla/workflow.h"

namespace penstock {

/// An event that reached a stage of the case; one that reached several is there once for each.
struct CaseEvent {
    uint64_t seq : 48;
    uint64_t stage : 15;
    uint64_t told : 1;  ///< an alert told that it contradicts the graph
    StampNs time_ns;

    bool before(StampNs other_ns, Seq other_seq) const {
        return time_ns != other_ns ? time_ns < other_ns : seq < other_seq;
    }
};
static_assert(sizeof(CaseEvent) == 16);

/// An edge that an event armed.
struct Obligation {
    /// Numbers are stored. The fold knows kArmed, kMet, kLate, kCancelled and kExpired only; the others are
    /// what the clock made of an open one.
    enum class Phase : uint8_t {
        kArmed,
        kAtRisk,
        kMissed,
        kExcused,  ///< missed while nothing was expected
        kMet,
        kLate,
        kCancelled,
        kExpired,      ///< cancelled after its deadline: missed, but no trouble any more
        kExcusedLate,  ///< late, and its deadline excused
    };
    StampNs deadline_ns = 0;
    Seq anchor_seq = 0;  ///< of the event that armed it
    TimerId timer = kNoTimer;
    uint16_t edge = 0;
    Phase phase = Phase::kArmed;
    uint8_t pass = 0;  ///< of its edge's loop

    bool open() const { return phase <= Phase::kExcused; }
    bool pending() const { return phase <= Phase::kAtRisk; }
};
static_assert(sizeof(Obligation) == 24);

struct CaseState {
    std::vector<Obligation> obligations;  ///< in the order in which they were armed
    std::vector<uint8_t> reached;         ///< by stage: kReached, kArrived
    std::vector<uint8_t> passes;          ///< by loop
    WorkflowStage::Terminal outcome = WorkflowStage::Terminal::kNo;
    DisorderCounts disorder;
    /// Events whose stage nothing led to yet.
    struct Early {
        uint16_t stage;
        bool out_of_order;
        Seq seq;
        StampNs time_ns;
    };
    std::vector<Early> early;

    static constexpr uint8_t kReached = 1;
    static constexpr uint8_t kArrived = 2;  ///< its event came, while it still waits for what it joins

    void clear(const Workflow& workflow);
};

/// Of one workflow. One thread: it keeps scratch space.
class CaseFold {
  public:
    /// Open obligations of one case beyond it are not armed, and counted.
    static constexpr size_t kObligationsMax = 1'000;

    explicit CaseFold(const Workflow& workflow) : w_(workflow) {}

    enum class Verdict : uint8_t { kExpected, kUnexpected, kDuplicate };
    /// The next event; `stages`: all that it reaches. Returns the worst that is to be said of it so far.
    Verdict apply(CaseState& s, StampNs time_ns, Seq seq, std::span<const uint16_t> stages);
    /// False: apply would change nothing of a short form's case without loops.
    bool may_change(std::span<const Obligation> obligations, std::span<const uint16_t> stages) const;
    /// The same of an event that belongs before `events[place]`. `sealed`: what came before all events, or
    /// null.
    bool may_change_late(const CaseState* sealed, std::span<const Obligation> obligations,
                         std::span<const CaseEvent> events, size_t place,
                         std::span<const uint16_t> stages) const;
    /// All events, by time and sequence.
    void apply_all(CaseState& s, std::span<const CaseEvent> events);
    /// Whether the last apply armed, settled or ended something.
    bool changed() const { return changed_; }
    uint64_t overflowed() const { return overflowed_; }

    /// Not before the edge's anchor; saturates where 64 bits of nanoseconds end.
    static StampNs deadline(const Edge& edge, StampNs anchor_ns);
    /// From when it is at risk; its deadline where it never is.
    static StampNs at_risk_from(const Edge& edge, StampNs anchor_ns, StampNs deadline_ns);

  private:
    struct Now {
        StampNs ns;
        Seq seq;
    };
    Verdict take(CaseState& s, uint16_t stage, Now now);
    void reach(CaseState& s, Now now);
    bool all_joined(const CaseState& s, const WorkflowStage& stage) const;
    bool settle(CaseState& s, uint32_t edge, Now now);
    void close(Obligation& o, Now now);
    bool cancel_edge(CaseState& s, uint32_t edge, Now now);
    bool anchor(CaseState& s, uint32_t edge, Now now);
    bool settled_before(const CaseState* sealed, const Obligation& o,
                        std::span<const CaseEvent> events) const;
    void lead_back(CaseState& s, const Edge& edge);
    void resolve_early(CaseState& s, uint16_t stage, Now now);

    const Workflow& w_;
    std::vector<uint16_t> reached_;  ///< by the event that is applied
    std::vector<uint16_t> stages_;   ///< of apply_all
    bool changed_ = false;
    uint64_t overflowed_ = 0;
};

}  // namespace penstock
