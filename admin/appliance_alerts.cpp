#include "admin/appliance_alerts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pthread.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <utility>

#include "admin/appliance_view.h"
#include "admin/http/text.h"

namespace penstock {
namespace {

namespace json = boost::json;

constexpr size_t kAtOnce = 64;  // of one round; between them ingest has its turn
constexpr auto kLookEvery = std::chrono::milliseconds(100);
constexpr size_t kSubjectsInText = 5;
constexpr uint64_t kSecondNs = 1'000'000'000;

/// To the second, which is what a person reads.
std::string seconds_text(StampNs stamp) {
    std::string text = http::rfc3339(stamp);
    return text.substr(0, 10) + " " + text.substr(11, 8) + " UTC";
}

std::string duration_text(int64_t ns) {
    const int64_t s = std::max<int64_t>(ns / 1'000'000'000, 0);
    if (s < 120) return fmt::format("{} s", s);
    if (s < 7'200) return fmt::format("{} min", s / 60);
    return fmt::format("{} h {} min", s / 3'600, s / 60 % 60);
}

std::string subjects_text(const std::vector<std::string>& subjects, uint64_t count) {
    const size_t shown = std::min(subjects.size(), kSubjectsInText);
    const std::vector<std::string> last(subjects.end() - static_cast<ptrdiff_t>(shown), subjects.end());
    std::string text = fmt::format("{}", fmt::join(last, ", "));
    if (count > shown && shown > 0) text += fmt::format(" and {} more", count - shown);
    return text;
}

std::string what_ended(AlertEnd end) {
    switch (end) {
        case AlertEnd::kDeliveredLate:
            return "all events came; the last had happened in time and was delivered late";
        case AlertEnd::kLate:
            return "all events came; the last happened after its deadline";
        case AlertEnd::kWithdrawn:
            return "nothing is waited for any more: the rule was changed, or the case has ended";
        case AlertEnd::kRuleRetired:
            return "the workflow was retired";
        case AlertEnd::kRecovered:
            return "what was wrong is right again";
        case AlertEnd::kClosed:
            return "closed by a person";
        case AlertEnd::kNone:
            break;
    }
    return "";
}

std::string what_is_wrong(const PendingNotice& n) {
    const std::string count = fmt::format("{} {} {}", n.open, n.open == 1 ? "is" : "are",
                                          n.trouble == "disorder"       ? "out of order now"
                                          : n.trouble == "out_of_range" ? "out of range now"
                                                                        : "overdue now");
    const std::string_view what = n.trouble == "disorder"       ? "came out of order"
                                  : n.trouble == "out_of_range" ? "left its bounds"
                                                                : "did not happen in time";
    const std::string_view first =
        n.trouble.empty() || n.trouble == "missed" ? "first deadline" : "first time";
    return fmt::format("{} of workflow {} {}: {}, {} in all.\nThe {} was {}, the last {}.\n", n.rule,
                       n.workflow, what, count, n.total, first, seconds_text(n.first_deadline_ns),
                       seconds_text(n.last_deadline_ns));
}

std::string subject_line(const PendingNotice& n) {
    const std::string what =
        fmt::format("{}: {}{}", n.workflow, n.rule, n.group.empty() ? "" : fmt::format(" [{}]", n.group));
    if (n.kind == "alert.flapping") return fmt::format("FLAPPING (severity {}) {}", n.severity, what);
    if (n.state == AlertState::kResolved) return "RESOLVED " + what;
    const std::string_view word = n.kind == "alert.repeated"      ? "STILL FIRING"
                                  : n.kind == "alert.severity"    ? "WORSE"
                                  : n.kind == "alert.escalated"   ? "ESCALATED, FIRING"
                                  : n.kind == "silence.ended"     ? "SILENCE ENDED, FIRING"
                                  : n.kind == "maintenance.ended" ? "MAINTENANCE ENDED, FIRING"
                                                                  : "FIRING";
    const std::string_view count = n.trouble == "disorder"       ? "out of order"
                                   : n.trouble == "out_of_range" ? "out of range"
                                                                 : "overdue";
    return fmt::format("{} (severity {}) {}: {} {}", word, n.severity, what, n.open, count);
}

std::string body_text(const PendingNotice& n, std::string_view tenant,
                      const std::vector<std::string>& subjects) {
    std::string out;
    if (n.kind == "alert.flapping")
        out = fmt::format("It fires and resolves again and again; you are told when it is steady. {}\n",
                          n.state == AlertState::kResolved ? "Now it is resolved." : "Now it is firing.");
    else if (n.state == AlertState::kResolved)
        out =
            fmt::format("It is over: {}.\nIt took {}, from {} to {}.\n", what_ended(n.end),
                        duration_text(n.at_ns - n.began_ns), seconds_text(n.began_ns), seconds_text(n.at_ns));
    else
        out = what_is_wrong(n);
    if (!n.reason.empty())
        out +=
            fmt::format("{}: {}\n", n.state == AlertState::kResolved ? "Note" : "Why you are told", n.reason);
    if (!subjects.empty())
        out += fmt::format("Affected: {}\n",
                           subjects_text(subjects, n.state == AlertState::kResolved ? n.total : n.open));
    if (!n.runbook.empty()) out += fmt::format("What to do: {}\n", n.runbook);
    out += fmt::format("\nTenant {}{}, severity {}, episode {}.\n", tenant,
                       n.group.empty() ? "" : fmt::format(", {}", n.group), n.severity, n.episode);
    if (n.state != AlertState::kResolved)
        out += fmt::format(
            "\nTake it:     penstock alert ack {0:016x}\nLook at it:  penstock alert show "
            "{0:016x}\n",
            n.alert);
    else
        out += fmt::format("\nLook at it:  penstock alert show {:016x}\n", n.alert);
    return out;
}

}  // namespace

std::string alert_targets_json(const Config& config, const LogNames& names) {
    json::array targets;
    for (const Config::NotifyTarget& target : config.notify.targets) {
        json::array tenants;
        for (const std::string& tenant : target.tenants) tenants.push_back(*names.tenant(tenant));
        targets.push_back(json::object{{"name", target.name},
                                       {"severity_at_least", target.severity_at_least},
                                       {"tenants", std::move(tenants)},
                                       {"escalation_only", target.escalation_only},
                                       {"repeat_ns", target.repeat_interval_s * kSecondNs}});
    }
    return json::serialize(targets);
}

std::string alert_rules_json(const Config::Alerts& alerts) {
    const auto matcher = [](const Config::Alerts::Matcher& m) {
        return json::object{
            {"workflow", m.workflow}, {"rule", m.rule}, {"severity_at_least", m.severity_at_least}};
    };
    json::array inhibit, ladders;
    for (const Config::Alerts::Inhibit& rule : alerts.inhibit)
        inhibit.push_back(json::object{{"source", matcher(rule.source)},
                                       {"target", matcher(rule.target)},
                                       {"equal", json::value_from(rule.equal)}});
    for (const Config::Alerts::Escalation& ladder : alerts.escalation) {
        json::array steps;
        for (const Config::Alerts::Step& step : ladder.steps)
            steps.push_back(
                json::object{{"after_ns", step.after_ns}, {"targets", json::value_from(step.targets)}});
        ladders.push_back(json::object{
            {"name", ladder.name}, {"steps", std::move(steps)}, {"ack_timeout_ns", ladder.ack_timeout_ns}});
    }
    return json::serialize(json::object{{"pending_ns", alerts.pending_s * kSecondNs},
                                        {"flap_count", alerts.flap_count},
                                        {"flap_window_ns", alerts.flap_window_s * kSecondNs},
                                        {"inhibit", std::move(inhibit)},
                                        {"escalation", std::move(ladders)}});
}

// --- the intake thread ------------------------------------------------------------------------------------

void AlertDesk::do_work() {
    AlertRequest request;
    for (size_t i = 0; i < kAtOnce && p_.log.has_room() && mailbox_.try_pop(request); ++i) {
        p_.sequencer.publish_control(request.kind, request.name, request.text);
        waiting_.push_back({p_.sequencer.next_seq() - 1, p_.ring.published(), std::move(request.answer)});
    }
    while (!waiting_.empty()) {
        Waiting& w = waiting_.front();
        if (w.position > p_.ring.consumed(kLogConsumer) || w.position > p_.ring.consumed(kStateConsumer))
            return;
        if (w.tell) w.tell(w.seq);
        waiting_.pop_front();
    }
}

// --- the way out ------------------------------------------------------------------------------------------

Notification notification_of(const PendingNotice& n, const LogNames& names,
                             const std::vector<std::string>& subjects) {
    const std::string tenant =
        n.tenant < names.tenants.size() ? names.tenants[n.tenant] : std::to_string(n.tenant);
    http::JsonWriter out;
    out.begin_object().field("type", n.kind).field("timestamp", http::rfc3339(n.at_ns));
    out.key("data").begin_object().field("id", effect_text(n.effect_id)).field("kind", n.kind);
    out.field("at", http::rfc3339(n.at_ns)).field_if("reason", n.reason);
    out.key("alert").begin_object().field("id", fmt::format("{:016x}", n.alert)).field("tenant", tenant);
    out.field("workflow", n.workflow).field("rule", n.rule).field_if("group", n.group);
    out.field_if("trouble", n.trouble).field_if("runbook", n.runbook).field("severity", n.severity);
    out.field("state", kAlertStateNames[static_cast<size_t>(n.state)]);
    if (n.state == AlertState::kResolved) out.field("cause", kAlertEndNames[static_cast<size_t>(n.end)]);
    out.field("episode", n.episode).field("version", n.version).field("open", n.open).field("total", n.total);
    out.field("first_deadline", http::rfc3339(n.first_deadline_ns));
    out.field("last_deadline", http::rfc3339(n.last_deadline_ns)).end_object();
    out.key("subjects").begin_array();
    for (const std::string& subject : subjects) out.value(subject);
    out.end_array().field("link", fmt::format("/alerts/{:016x}", n.alert)).end_object().end_object();
    Notification to;
    to.effect_id = n.effect_id;
    to.channel = n.target;
    to.kind = n.kind;
    to.at_ns = n.at_ns;
    to.json = out.take();
    to.subject = subject_line(n);
    to.text = body_text(n, tenant, subjects);
    return to;
}

AlertSender::AlertSender(std::vector<Notifier::Target> targets, const EventLog& log, const AlertBook& book,
                         AlertMailbox& mailbox, Telemetry& telemetry, const Clock& clock)
    : log_(log),
      book_(book),
      mailbox_(mailbox),
      telemetry_(telemetry),
      notifier_(
          std::move(targets),
          [&] {
              DeliveryPolicy policy;
              policy.jitter_seed = static_cast<uint64_t>(clock.wall_ns());
              return policy;
          }(),
          clock, [this](const DeliveryResult& result) { settled(result); }) {}

void AlertSender::start() {
    notifier_.start();
    thread_ = std::thread([this] { run(); });
}

void AlertSender::stop() {
    if (!thread_.joinable()) return;
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    news_.notify_all();
    thread_.join();
    notifier_.stop();  // what is undelivered is still the book's
    report();
}

void AlertSender::run() {
    pthread_setname_np(pthread_self(), "alerts");
    for (;;) {
        hand_over();
        const bool reported = report();
        std::unique_lock lock(mutex_);
        news_.wait_for(lock, kLookEvery, [&] { return stopping_ || (reported && !results_.empty()); });
        if (stopping_) return;
    }
}

void AlertSender::hand_over() {
    for (auto at = held_.begin(); at != held_.end();) {
        auto& queue = at->second;
        while (!queue.empty() && offer(queue.front())) queue.pop_front();
        at = queue.empty() ? held_.erase(at) : std::next(at);
    }
    const Seq committed = telemetry_.committed_seq.load(std::memory_order_acquire);
    for (PendingNotice& notice : book_.pending(next_order_, committed, kAtOnce)) {
        next_order_ = notice.order + 1;
        if (const auto waits = held_.find(notice.target); waits != held_.end())
            waits->second.push_back(std::move(notice));
        else if (!offer(notice))
            held_[notice.target].push_back(std::move(notice));
    }
}

bool AlertSender::offer(const PendingNotice& notice) {
    std::vector<std::string> subjects;
    subjects.reserve(notice.instances.size());
    for (const NoticeInstance& i : notice.instances)
        subjects.push_back(i.key_text.empty() ? event_key_text(log_, i.anchor_seq) : i.key_text);
    return notifier_.offer(notification_of(notice, log_.names(), subjects));
}

void AlertSender::settled(const DeliveryResult& result) {
    using Outcome = Telemetry::NotificationOutcome;
    const Outcome outcome = result.delivered   ? Outcome::kDelivered
                            : result.permanent ? Outcome::kFailed
                                               : Outcome::kRetried;
    telemetry_.notifications[static_cast<size_t>(outcome)].fetch_add(1, std::memory_order_relaxed);
    if (outcome == Outcome::kRetried) return;
    const json::object text{
        {"delivered", result.delivered}, {"attempts", result.attempt}, {"detail", result.detail}};
    {
        std::lock_guard lock(mutex_);
        results_.push_back({ControlKind::kNotificationResult,
                            fmt::format("{:016x}", result.effect_id),
                            json::serialize(text),
                            {}});
    }
    news_.notify_all();
}

bool AlertSender::report() {
    std::lock_guard lock(mutex_);
    while (!results_.empty() && mailbox_.try_push(std::move(results_.front()))) results_.pop_front();
    return results_.empty();
}

}  // namespace penstock
