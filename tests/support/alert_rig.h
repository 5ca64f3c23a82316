// A book of alerts that is fed by hand: findings and control records, with what a replay needs kept.
#pragma once

#include <fmt/format.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "stages/alert/alert_book.h"
#include "tests/support/engine_rig.h"

namespace penstock::test {

/// Time is seconds since a start in 2026. One record a call.
class AlertRig {
  public:
    static constexpr StampNs kStart = 1'767'225'600'000'000'000;
    static constexpr int64_t kSecondNs = 1'000'000'000;
    static StampNs at(double seconds) { return kStart + static_cast<StampNs>(seconds * 1e9); }

    struct Fed {
        std::vector<Finding> findings;  ///< texts are in `names`
        ControlKind kind = ControlKind::kTick;
        std::string name, text;
        Seq seq = 0;
        StampNs stamp_ns = 0;
    };

    /// `rules`: as alert_rules_json makes them.
    explicit AlertRig(const std::string& targets = R"([{"name":"oncall"}])",
                      const std::string& rules = "{}") {
        boot(targets, rules);
    }

    void boot(const std::string& targets, const std::string& rules = "{}") {
        control(ControlKind::kBoot, "host", fmt::format(R"({{"targets":{},"alerts":{}}})", targets, rules));
    }
    /// Time passes to this second.
    void to(double seconds) {
        now_ = seconds;
        control(ControlKind::kTick, "", "");
    }
    void find(Finding::Kind kind, uint64_t key, const std::string& rule = "a -> b", double deadline = -1,
              uint8_t severity = 3, uint16_t tenant = 0) {
        Fed one = next(ControlKind::kTick, "", "");
        Finding f;
        f.kind = kind;
        f.severity = severity;
        f.tenant = tenant;
        f.workflow = name("w");
        f.rule = name(rule);
        f.key = {key, key};
        f.group = name(group);
        f.key_text = name(key_text);
        f.runbook = name(runbook);
        f.escalation = name(escalation);
        const auto id = std::make_pair(key, rule);
        if (is_trouble(kind)) {
            deadlines_[id] = at(deadline < 0 ? now_ - 0.5 : deadline);
            anchors_[id] = one.seq - 1;
        }
        f.anchor_seq = anchors_[id];
        f.deadline_ns = deadlines_[id];
        f.cause_seq = one.seq;
        f.at_ns = one.stamp_ns;
        one.findings.push_back(f);
        feed(std::move(one));
    }
    void missed(uint64_t key, const std::string& rule = "a -> b", uint8_t severity = 3) {
        find(Finding::Kind::kMissed, key, rule, -1, severity);
    }
    void late(uint64_t key, const std::string& rule = "a -> b") { find(Finding::Kind::kLate, key, rule); }

    /// Answers its record's sequence.
    Seq control(ControlKind kind, const std::string& about, const std::string& text) {
        Fed one = next(kind, about, text);
        const Seq seq = one.seq;
        feed(std::move(one));
        return seq;
    }
    Seq command(ControlKind kind, const std::string& rule = "a -> b", const std::string& more = "",
                int64_t version = -1) {
        const Alert a = alert(rule);
        return control(kind, fmt::format("{:016x}", a.id),
                       fmt::format(R"({{"episode":{},"version":{},"by":"ann"{}}})", a.episode,
                                   version < 0 ? static_cast<int64_t>(a.version) : version, more));
    }
    Seq silence(double end, const std::string& matcher = R"("workflow":"w")") {
        return control(ControlKind::kSilenceAdded, "",
                       fmt::format(R"({{{},"end_ns":{},"owner":"bob","reason":"works"}})", matcher, at(end)));
    }
    Seq maintenance(const std::string& members) {
        return control(ControlKind::kMaintenanceAdded, "",
                       fmt::format(R"({{"owner":"bob","reason":"works",{}}})", members));
    }
    void delivered(uint64_t effect_id) {
        control(ControlKind::kNotificationResult, fmt::format("{:016x}", effect_id),
                R"({"delivered":true,"attempts":1,"detail":"200"})");
    }

    Alert alert(const std::string& rule = "a -> b", uint16_t tenant = 0) const {
        return book->alert(AlertBook::id_of(tenant, "w", rule, group)).value_or(Alert{});
    }
    std::vector<PendingNotice> pending() const { return book->pending(0, next_seq_, 1'000'000); }
    /// "kind>target" of all that was ever decided, in order.
    std::vector<std::string> told() const {
        std::vector<std::string> out;
        for (const PendingNotice& p : pending()) out.push_back(p.kind + ">" + p.target);
        return out;
    }
    /// Texts of the decisions in an alert's history.
    std::string decisions(const std::string& rule = "a -> b") const {
        std::string out;
        for (const AlertStep& s : alert(rule).history)
            if (s.kind == AlertStepKind::kSent || s.kind == AlertStepKind::kNotSent)
                out +=
                    fmt::format("{} {}: {}\n", kAlertStepNames[static_cast<size_t>(s.kind)], s.cause, s.note);
        return out;
    }

    static void apply(AlertBook& to, const Fed& fed) {
        for (const Finding& f : fed.findings) to.on_finding(f);
        flatbuffers::FlatBufferBuilder fbb;
        const auto about = fbb.CreateString(fed.name), text = fbb.CreateString(fed.text);
        fbb.Finish(fb::CreateControl(fbb, static_cast<uint16_t>(fed.kind), about, text));
        RecordHeader header{};
        header.kind = RecordKind::kControl;
        header.first_seq = fed.seq;
        header.base_stamp_ns = fed.stamp_ns;
        header.count = 1;
        const EventIdentity identity{};
        EventHead head{};
        head.length = fbb.GetSize();
        to.apply(
            RecordView{&header, {}, {}, {&identity, 1}, {&head, 1}, {fbb.GetBufferPointer(), fbb.GetSize()}});
    }
    /// Its rows are saved, and a new book is made of them.
    void restart() {
        rows.save(*book);
        book = std::make_unique<AlertBook>();
        rows.load(*book, at(now_));
    }

    // Of the findings to come.
    std::string group, key_text, runbook, escalation;
    std::unique_ptr<AlertBook> book = std::make_unique<AlertBook>();
    Rows rows;
    std::vector<Fed> fed;
    double now() const { return now_; }
    Seq next_seq() const { return next_seq_; }

  private:
    Fed next(ControlKind kind, const std::string& about, const std::string& text) {
        const StampNs stamp = std::max(at(now_), last_stamp_ + 1);
        last_stamp_ = stamp;
        return {{}, kind, about, text, next_seq_++, stamp};
    }
    void feed(Fed one) {
        apply(*book, one);
        fed.push_back(std::move(one));
    }
    std::string_view name(const std::string& text) {
        for (const std::string& known : names_)
            if (known == text) return known;
        return names_.emplace_back(text);
    }

    double now_ = 0;
    Seq next_seq_ = 1;
    StampNs last_stamp_ = 0;
    std::deque<std::string> names_;
    std::map<std::pair<uint64_t, std::string>, StampNs> deadlines_;
    std::map<std::pair<uint64_t, std::string>, Seq> anchors_;
};

}  // namespace penstock::test
