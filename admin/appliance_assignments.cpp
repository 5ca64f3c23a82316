#include "admin/appliance_assignments.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/json.hpp>

#include "admin/appliance_notify.h"
#include "admin/http/text.h"
#include "pipeline/stream_hash.h"

namespace penstock {
namespace {

namespace json = boost::json;

constexpr int64_t kLookEveryNs = 1'000'000'000;
constexpr size_t kItemsMax = 20;  // of a mail

std::vector<Notifier::Target> target_of(const Config& config, const Clock& clock) {
    Config only;
    for (const Config::NotifyTarget& target : config.notify.targets)
        if (target.name == config.review.mail) only.notify.targets.push_back(target);
    return make_notify_targets(only, clock);
}

bool wishes_mail(const User& user) {
    if (!user.enabled || user.email.empty()) return false;
    json::error_code failed;
    const json::value preferences = json::parse(user.preferences, failed);
    const json::value* wish =
        failed || !preferences.is_object() ? nullptr : preferences.get_object().if_contains("assignments");
    return wish && wish->is_string() && wish->get_string() == "mail";
}

std::string line_of(const ReviewItem& item) {
    std::string line = fmt::format("  {}  priority {}  {}", item.id, item.priority, item.type);
    if (!item.subject.empty()) line += "  " + item.subject;
    if (item.due_ns != 0) line += "  due " + http::rfc3339(item.due_ns).substr(0, 19) + "Z";
    return line + "\n";
}

}  // namespace

AssignmentMail::AssignmentMail(const Config& config, const ReviewReader& book, const AccessReader& people,
                               ControlMailbox& mailbox, const Telemetry& telemetry, const Clock& clock)
    : book_(book),
      people_(people),
      mailbox_(mailbox),
      telemetry_(telemetry),
      clock_(clock),
      target_(config.review.mail),
      wait_ns_(static_cast<int64_t>(config.review.mail_wait_s) * 1'000'000'000) {
    if (target_.empty()) return;
    DeliveryPolicy policy;
    policy.jitter_seed = static_cast<uint64_t>(clock.wall_ns());
    notifier_ = std::make_unique<Notifier>(target_of(config, clock), policy, clock,
                                           [this](const DeliveryResult& result) { settled(result); });
}

void AssignmentMail::start() {
    if (notifier_) notifier_->start();
}

void AssignmentMail::stop() {
    if (!notifier_) return;
    notifier_->stop();  // what is undelivered is told after the next start
    report();
    notifier_.reset();
}

void AssignmentMail::look() {
    const int64_t now_ns = clock_.monotonic_ns();
    if (!notifier_ || now_ns < next_look_ns_) return;
    next_look_ns_ = now_ns + kLookEveryNs;
    report();
    for (const ReviewLoad& load : book_.summary().operators) {
        if (load.open == 0) continue;
        Told& told = told_[load.user];
        if (told.at_ns != 0 && now_ns - told.at_ns < wait_ns_) continue;
        const auto user = people_.user(load.user);
        if (user && wishes_mail(*user)) tell(*user, told, now_ns);
    }
}

void AssignmentMail::tell(const User& user, Told& told, int64_t now_ns) {
    const Seq since = std::max(told.seq, book_.told_to(user.number));
    const ReviewNews news = book_.news_of(user.number, since, kItemsMax + 1);
    // What is not durable yet may never have been.
    if (news.items.empty() || news.newest >= telemetry_.committed_seq.load(std::memory_order_acquire)) return;
    StreamHash hash;
    const std::array<uint64_t, 2> what{user.number, news.newest};
    hash.add(what.data(), sizeof what);
    Notification mail;
    mail.effect_id = hash.digest();
    mail.channel = target_;
    mail.kind = "review.assigned";
    mail.at_ns = clock_.wall_ns();
    mail.to = user.email;
    const size_t count = std::min(news.items.size(), kItemsMax);
    const bool more = news.items.size() > kItemsMax;
    mail.subject = count == 1 ? fmt::format("Penstock: an item for you: {}", news.items[0].type)
                              : fmt::format("Penstock: {}{} items for you", more ? "more than " : "", count);
    mail.text = "You were given:\n\n";
    for (size_t i = news.items.size() - count; i < news.items.size(); ++i)
        mail.text += line_of(news.items[i]);
    mail.text += "\nThey wait in your queue. No mails: set your preference \"assignments\" to \"console\".\n";
    {
        const std::lock_guard lock(mutex_);
        under_way_[mail.effect_id] = {user.number, news.newest};
    }
    const uint64_t effect = mail.effect_id;
    if (notifier_->offer(std::move(mail))) {
        told = {news.newest, now_ns};
        return;
    }
    const std::lock_guard lock(mutex_);
    under_way_.erase(effect);
}

void AssignmentMail::settled(const DeliveryResult& result) {
    if (!result.delivered && !result.permanent) return;
    const std::lock_guard lock(mutex_);
    const auto at = under_way_.find(result.effect_id);
    if (at == under_way_.end()) return;
    const auto [user, seq] = at->second;
    under_way_.erase(at);
    if (result.permanent)
        spdlog::warn("review: user {} cannot be told by mail what they were given: {}", user, result.detail);
    results_.push_back({ControlKind::kReviewTold,
                        std::to_string(user),
                        json::serialize(json::object{{"seq", seq}, {"delivered", result.delivered}}),
                        {}});
}

void AssignmentMail::report() {
    const std::lock_guard lock(mutex_);
    while (!results_.empty() && mailbox_.try_push(std::move(results_.front()))) results_.pop_front();
}

}  // namespace penstock
