#include "stages/notify/notifier.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>

#include "schemas/limits.h"

namespace penstock {
namespace {

/// Where the configuration no longer has the target that a notification was decided for.
class NoTarget final : public Channel {
  public:
    DeliveryResult deliver(const Notification& notification) override {
        DeliveryResult result;
        result.permanent = true;
        result.detail =
            "no target \"" + notification.channel + "\" is configured; add a [[notify.target]] of this name";
        return result;
    }
    void interrupt() override {}
    std::string_view destination() const override { return "nowhere"; }
};

}  // namespace

Notifier::Notifier(std::vector<Target> targets, const DeliveryPolicy& policy, const Clock& clock,
                   DeliveryCallback on_result) {
    if (targets.size() > limits::kNotifyTargetsMax) throw std::invalid_argument("too many notify targets");
    const size_t shares = std::max<size_t>(targets.size(), 1);
    const TargetLane::Room share{limits::kNotificationsMax / shares, limits::kNotificationsBytesMax / shares};
    DeliveryPolicy own = policy;
    for (Target& target : targets) {
        auto lane = std::make_unique<TargetLane>(target.name, std::move(target.channel), own, share, clock,
                                                 on_result);
        if (!lanes_.emplace(target.name, std::move(lane)).second)
            throw std::invalid_argument("two notify targets have the name " + target.name);
        ++own.jitter_seed;
    }
    nowhere_ = std::make_unique<TargetLane>("?", std::make_unique<NoTarget>(), own, share, clock,
                                            std::move(on_result));
}

Notifier::~Notifier() { stop(); }

void Notifier::start() {
    for (auto& [name, lane] : lanes_) lane->start();
    nowhere_->start();
}

TargetLane& Notifier::lane_of(std::string_view channel) {
    const auto found = lanes_.find(channel);
    return found == lanes_.end() ? *nowhere_ : *found->second;
}

bool Notifier::offer(Notification&& notification) {
    return lane_of(notification.channel).offer(std::move(notification));
}

size_t Notifier::waiting() const {
    size_t waiting = nowhere_->waiting();
    for (const auto& [name, lane] : lanes_) waiting += lane->waiting();
    return waiting;
}

std::vector<Notification> Notifier::stop() {
    for (auto& [name, lane] : lanes_) lane->request_stop();
    nowhere_->request_stop();
    std::vector<Notification> left;
    const auto collect = [&left](TargetLane& lane) {
        lane.join();
        auto undelivered = lane.take_undelivered();
        std::move(undelivered.begin(), undelivered.end(), std::back_inserter(left));
    };
    for (auto& [name, lane] : lanes_) collect(*lane);
    collect(*nowhere_);
    return left;
}

}  // namespace penstock
