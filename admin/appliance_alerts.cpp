#include "admin/appliance_alerts.h"

#include <fmt/format.h>
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

constexpr size_t kAtOnce = 64;
constexpr auto kLookEvery = std::chrono::milliseconds(100);
constexpr uint64_t kSecondNs = 1'000'000'000;

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
                                       {"repeat_ns", target.repeat_interval_s * kSecondNs},
                                       {"group_by", json::value_from(target.group_by)},
                                       {"group_wait_ns", target.group_wait_s * kSecondNs},
                                       {"group_interval_ns", target.group_interval_s * kSecondNs}});
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

// --- the way out ------------------------------------------------------------------------------------------

AlertSender::AlertSender(std::vector<Notifier::Target> targets, const EventLog& log, const AlertBook& book,
                         ControlMailbox& mailbox, Telemetry& telemetry, const Clock& clock)
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
    const auto subjects_of = [&](const NoticeAlert& a) {
        std::vector<std::string> subjects;
        subjects.reserve(a.instances.size());
        for (const NoticeInstance& i : a.instances)
            subjects.push_back(i.key_text.empty() ? event_key_text(log_, i.anchor_seq) : i.key_text);
        return subjects;
    };
    if (notice.group_id == 0)
        return notifier_.offer(notification_of(notice, log_.names(), subjects_of(notice)));
    std::vector<std::vector<std::string>> subjects;
    subjects.reserve(notice.alerts.size());
    for (const NoticeAlert& a : notice.alerts) subjects.push_back(subjects_of(a));
    return notifier_.offer(group_notification_of(notice, log_.names(), subjects));
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
