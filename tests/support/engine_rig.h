// An engine with what it told, fed by short calls.
#pragma once

#include <xxhash.h>

#include <map>
#include <string>
#include <vector>

#include "schemas/event_fields.h"
#include "schemas/identity.h"
#include "stages/sla/engine.h"

namespace penstock::test {

constexpr int64_t kSecond = 1'000'000'000;

/// {"name":"w","key":"subject","edges":[...]} of {from, to, within seconds}. An edge against the alphabet
/// leads back, so that there may be cycles; none is run through twice.
struct EdgeSpec {
    std::string from, to;
    int64_t within_s;
};
inline Workflow workflow_of(const std::vector<EdgeSpec>& edges, const std::string& name = "w",
                            const std::string& key = "subject", const std::string& disorder = "1m") {
    std::string text =
        R"({"name":")" + name + R"(","key":")" + key + R"(","disorder":")" + disorder + R"(","edges":[)";
    for (const EdgeSpec& e : edges) {
        if (text.back() == '}') text += ',';
        text += R"({"from":")" + e.from + R"(","to":")" + e.to + R"(","within_ms":)" +
                std::to_string(e.within_s * 1000) + (e.from >= e.to ? R"(,"loop":0})" : "}");
    }
    return parse_workflow(text + "]}");
}

struct Told {
    SlaEffect::Kind kind;
    uint32_t workflow, edge;
    uint64_t key;
    Seq anchor, cause;
    StampNs deadline, at;
    friend bool operator==(const Told&, const Told&) = default;
};
inline void PrintTo(const Told& t, std::ostream* out) {
    *out << "{kind " << static_cast<int>(t.kind) << " workflow " << t.workflow << " edge " << t.edge
         << " key " << t.key << " anchor " << t.anchor << " cause " << t.cause << " deadline " << t.deadline
         << " at " << t.at << "}";
}

class EngineRig {
  public:
    explicit EngineRig(int64_t retention_ns = 0) : engine(Engine::Options{retention_ns}) {
        engine.on_effect = [this](const SlaEffect& e) {
            told.push_back(
                {e.kind, e.workflow, e.edge, e.key.lo, e.anchor_seq, e.cause_seq, e.deadline_ns, e.at_ns});
        };
    }

    /// An event of its own time, received at `now_ns`.
    void event(const std::string& subject, const std::string& type, StampNs time_ns, StampNs now_ns) {
        EventFields f;
        f.id = "1";
        f.source = "/s";
        f.type = type;
        f.subject = subject;
        feed(f, subject, time_ns, now_ns);
    }
    void feed(const EventFields& fields, const std::string& subject, StampNs time_ns, StampNs now_ns) {
        const auto bytes = builder_.build(fields);
        EventHead head{};
        if (!subject.empty()) head.key = key_of(subject);
        head.time_ns = time_ns;
        head.type_hash = type_hash(fields.type);
        engine.on_event(head, bytes, ++seq, now_ns);
    }
    static Hash128 key_of(const std::string& subject) {
        const XXH128_hash_t h = XXH3_128bits(subject.data(), subject.size());
        return {h.low64, h.high64};
    }
    /// met, late, missed, pending, anchored of one edge.
    std::vector<uint64_t> counts(uint32_t edge = 0, uint32_t workflow = 0) const {
        const EdgeCounts c = engine.counts(workflow).edges.at(edge);
        return {c.met, c.late, c.missed, c.pending, c.anchored};
    }

    Engine engine;
    std::vector<Told> told;
    Seq seq = 0;

  private:
    EventBuilder builder_;
};

/// Rows as a state store would hold them.
class Rows {
  public:
    void save(StateMachine& machine) {
        begin_save(machine);
        while (save_some(machine, 1000)) {
        }
    }
    /// In parts: the cut is at begin_save; the rows are there once save_some returns false.
    void begin_save(StateMachine& machine) {
        checkpoint_ = std::make_unique<Checkpoint>();
        machine.begin_save(*checkpoint_);
    }
    bool save_some(StateMachine& machine, size_t rows) {
        if (machine.save_some(rows)) return true;
        for (const bool deletes : {true, false})  // a key that is erased and put has been put last
            checkpoint_->for_each([&](const Checkpoint::Row& row) {
                const std::string key(row.key.begin(), row.key.end());
                if (deletes && row.deleted) rows_.erase(key);
                if (!deletes && !row.deleted) rows_[key] = std::string(row.value.begin(), row.value.end());
            });
        checkpoint_.reset();
        return false;
    }
    void load(StateMachine& machine, StampNs stamp) const {
        for (const auto& [k, v] : rows_)
            machine.load_row({reinterpret_cast<const uint8_t*>(k.data()), k.size()},
                             {reinterpret_cast<const uint8_t*>(v.data()), v.size()});
        machine.loaded(stamp);
    }
    size_t size() const { return rows_.size(); }
    const std::map<std::string, std::string>& rows() const { return rows_; }

  private:
    std::map<std::string, std::string> rows_;
    std::unique_ptr<Checkpoint> checkpoint_;
};

}  // namespace penstock::test
