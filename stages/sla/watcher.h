// Rules of a workflow beside its graph: they watch events of a kind on the clock, not case by case.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/expression/event_variables.h"
#include "pipeline/expression/expression.h"
#include "pipeline/state_machine.h"
#include "schemas/event_fields.h"
#include "schemas/finding.h"
#include "schemas/workflow_view.h"

namespace penstock {

/// What such rules have in common; a document's member each.
struct WatchRule {
    RuleView::Kind kind = RuleView::Kind::kExpected;
    std::string name;  ///< unique in its workflow, also among edges
    std::string type;  ///< of the events that it watches
    uint64_t type_hash = 0;
    std::optional<Expression> when;
    uint8_t severity = 3;
    std::string runbook, escalation;
};

/// An event of the rule's type for which its condition holds.
struct WatchedEvent {
    const EventHead& head;
    const fb::Event& event;
    Seq seq;
    StampNs now_ns;
};

/// The running state of one rule, of one tenant. Deterministic, one thread: the engine's. Time does not go
/// back.
class Watcher {
  public:
    struct Trouble {
        Finding::Kind kind;
        Hash128 key;
        std::string_view key_text, group;
        Seq anchor_seq, cause_seq;
        StampNs deadline_ns, at_ns;
    };
    /// Where rows go. `key`: what tells them apart within the watcher.
    class Rows {
      public:
        virtual void put(std::span<const uint8_t> key, std::span<const uint8_t> value) = 0;
        virtual void erase(std::span<const uint8_t> key) = 0;

      protected:
        ~Rows() = default;
    };

    virtual ~Watcher() = default;
    virtual const WatchRule& rule() const = 0;
    /// The rule is published; not called for one that is loaded.
    virtual void start(StampNs now_ns) = 0;
    /// What is due before it has been advanced over.
    virtual void on_event(const WatchedEvent& event) = 0;
    /// Nothing is judged before now > due_ns(), and what is due is judged then, or due_ns() is later after
    /// the next advance; TimerWheel's kNever: nothing is.
    virtual StampNs due_ns() const = 0;
    /// Judges all that is due before `now_ns`, in order of time.
    virtual void advance(StampNs now_ns, Seq cause_seq) = 0;
    /// The rule goes: withdraws what it found. The next save() erases every row; it is not used after that.
    virtual void end(StampNs now_ns, Seq cause_seq) = 0;
    virtual RuleView view() const = 0;

    /// Rows that changed since the last call.
    virtual void save(Rows& rows) = 0;
    virtual void load(std::span<const uint8_t> key, std::span<const uint8_t> value) = 0;
    virtual void loaded() {}

    /// Called in order, from inside the calls above. Set before any.
    std::function<void(const Trouble&)> on_trouble;
};

}  // namespace penstock
