// An engine fed by short calls, in seconds, that tells what it found in words; restarted between the calls
// where the test says so.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/engine_rig.h"

namespace penstock::test {

/// Text of a finding, borrowed by it, is copied.
struct Found {
    Finding finding;
    std::string workflow, rule, key, group, runbook, escalation;
};

/// What an event has beside its key, type and time.
struct Also {
    std::string data = {}, source = "/s";
    std::vector<EventFields::Pair> groups = {};
    bool backfill = false;
};

class CaseRig {
  public:
    static constexpr StampNs kStart = 1'767'225'600 * kSecond;  ///< 2026-01-01T00:00:00Z

    /// With `restarts`: saves, forgets and loads after each call.
    explicit CaseRig(bool restarts = false, Engine::Options options = {})
        : options_(options), restarts_(restarts) {
        renew();
    }

    void define(std::string_view document) {
        engine->define(parse_workflow(document), now_ns_, ++seq);
        step_over();
    }
    uint32_t add(std::string_view name, std::string_view document, VersionState state, bool migrate = false) {
        const uint32_t number = engine->add_version(name, document, state, migrate, {}, now_ns_, ++seq);
        step_over();
        return number;
    }
    bool change(std::string_view name, uint32_t number, VersionState to, bool migrate = false) {
        const bool could =
            engine->change_version(name, number, to, migrate, {"anna", "why not"}, now_ns_, ++seq);
        step_over();
        return could;
    }

    /// Happened and came at that second.
    void event(const std::string& key, const std::string& type, double at_s, const Also& also = {}) {
        delayed(key, type, at_s, at_s, also);
    }
    void delayed(const std::string& key, const std::string& type, double happened_s, double came_s,
                 const Also& also = {}) {
        EventFields f;
        f.id = "1", f.source = also.source, f.type = type, f.subject = key, f.data = also.data;
        f.groups = also.groups;
        EventHead head{};
        head.key = EngineRig::key_of(key);
        head.time_ns = at(happened_s);
        head.type_hash = type_hash(type);
        if (also.backfill) head.flags |= kHeadBackfill;
        names_[head.key.lo] = key;
        now_ns_ = at(came_s);
        const auto bytes = builder_.build(f);
        engine->on_event(head, bytes, ++seq, now_ns_);
        step_over();
    }
    /// Time passes: to that second, and by a nanosecond over it.
    void pass_to(double s) { pass_to_ns(at(s)); }
    void pass(double s) { pass_to_ns(at(s) + 1); }
    void watermark(double time_s, double now_s, std::string_view source = "/s") {
        now_ns_ = at(now_s);
        engine->advance(now_ns_, ++seq);
        engine->watermark(0, source, at(time_s), now_ns_, seq);
        step_over();
    }
    static StampNs at(double s) { return kStart + static_cast<StampNs>(s * static_cast<double>(kSecond)); }

    /// What is not 0: "anchored 2, met 1, pending 1".
    std::string counts(std::string_view rule, std::string_view workflow = "w") const {
        for (const RuleView& r : engine->view(workflow).rules)
            if (r.name == rule) return text_of(r.counts);
        return "no such rule";
    }
    static std::string text_of(const RuleCounts& c) {
        std::string out;
        for (const auto& [name, n] : {std::pair{"anchored", c.anchored},
                                      {"met", c.met},
                                      {"late", c.late},
                                      {"missed", c.missed},
                                      {"pending", c.pending},
                                      {"cancelled", c.cancelled},
                                      {"excused", c.excused},
                                      {"at risk", c.at_risk},
                                      {"undetermined", c.undetermined},
                                      {"in trouble", c.in_trouble}})
            if (n > 0) out += (out.empty() ? "" : ", ") + std::string(name) + " " + std::to_string(n);
        return out;
    }
    std::string disorder(std::string_view workflow = "w") const {
        const DisorderCounts d = engine->view(workflow).disorder;
        return std::to_string(d.unexpected) + " unexpected, " + std::to_string(d.out_of_order) +
               " out of order, " + std::to_string(d.duplicate) + " duplicate";
    }

    /// "missed a -> b of k", of what was found since the last call.
    std::vector<std::string> news() {
        static const std::map<Finding::Kind, std::string> kinds{
            {Finding::Kind::kMissed, "missed"},
            {Finding::Kind::kDeliveredLate, "delivered late"},
            {Finding::Kind::kLate, "late"},
            {Finding::Kind::kWithdrawn, "withdrawn"},
            {Finding::Kind::kRecovered, "recovered"},
            {Finding::Kind::kDisorder, "disorder"},
            {Finding::Kind::kOutOfRange, "out of range"}};
        std::vector<std::string> out;
        for (; read_ < found.size(); ++read_) {
            const Found& f = found[read_];
            out.push_back(kinds.at(f.finding.kind) + " " + f.rule + " of " + f.key);
        }
        return out;
    }

    std::unique_ptr<Engine> engine;
    std::vector<Found> found;
    Seq seq = 0;
    /// Rule and deadline of a time in which nothing is expected.
    std::function<bool(std::string_view, StampNs)> not_expected;

  private:
    void pass_to_ns(StampNs now_ns) {
        now_ns_ = now_ns;
        engine->advance(now_ns_, ++seq);
        step_over();
    }
    void step_over() {
        if (!restarts_) return;
        rows_.save(*engine);
        renew();
        rows_.load(*engine, now_ns_);
    }
    void renew() {
        engine = std::make_unique<Engine>(options_);
        engine->subject_key = [](uint16_t, std::string_view subject) {
            return EngineRig::key_of(std::string(subject));
        };
        engine->not_expected = [this](uint16_t, std::string_view, std::string_view rule, std::string_view,
                                      StampNs at_ns) { return not_expected && not_expected(rule, at_ns); };
        engine->on_finding = [this](const Finding& f) {
            const auto name = names_.find(f.key.lo);
            found.push_back(
                {f, std::string(f.workflow), std::string(f.rule),
                 f.key_text.empty() && name != names_.end() ? name->second : std::string(f.key_text),
                 std::string(f.group), std::string(f.runbook), std::string(f.escalation)});
        };
    }

    const Engine::Options options_;
    const bool restarts_;
    EventBuilder builder_;
    Rows rows_;
    StampNs now_ns_ = kStart;
    std::map<uint64_t, std::string> names_;
    size_t read_ = 0;
};

using News = std::vector<std::string>;

}  // namespace penstock::test
