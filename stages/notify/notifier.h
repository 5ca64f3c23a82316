// Delivers notifications to the configured targets. What is to be delivered, and what came of it, is durable
// with whoever decides: after a restart the same notifications are handed over again, and the receiver knows
// repeats by their id. At least once.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "stages/notify/target_lane.h"

namespace penstock {

/// A lane, so a thread, for each target. offer() and waiting(): any thread; start() and stop(): the owner's.
class Notifier {
  public:
    struct Target {
        std::string name;
        std::unique_ptr<Channel> channel;
    };
    /// At most limits::kNotifyTargetsMax targets, of different names. `clock` outlives the notifier;
    /// `on_result` is called on the targets' threads, so by several at once.
    Notifier(std::vector<Target> targets, const DeliveryPolicy& policy, const Clock& clock,
             DeliveryCallback on_result);
    /// Stops.
    ~Notifier();
    Notifier(const Notifier&) = delete;
    Notifier& operator=(const Notifier&) = delete;

    void start();
    /// False, and `notification` untouched, when its target's share of the room is taken, or after stop():
    /// offer it again later. Each target's notifications go in the order in which they are offered. One for a
    /// target that is not configured is reported as permanent.
    bool offer(Notification&& notification);
    size_t waiting() const;

    /// Ends deliveries under way, and returns what is undelivered: by target, in order.
    std::vector<Notification> stop();

  private:
    TargetLane& lane_of(std::string_view channel);

    std::map<std::string, std::unique_ptr<TargetLane>, std::less<>> lanes_;
    std::unique_ptr<TargetLane> nowhere_;  ///< of targets that are not configured
};

}  // namespace penstock
