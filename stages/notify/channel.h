// A way out: one target that notifications can be delivered to.
#pragma once

#include <string_view>

#include "stages/notify/notification.h"

namespace penstock {

/// deliver(): one thread, the same always. interrupt(): any thread, also while deliver() runs.
class Channel {
  public:
    Channel() = default;
    virtual ~Channel() = default;
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    /// One attempt; blocks until its outcome is known, its timeouts have passed, or interrupt(). Outcomes do
    /// not throw.
    virtual DeliveryResult deliver(const Notification& notification) = 0;
    /// Ends a delivery under way at once, as neither delivered nor permanent, and every later one. For good.
    virtual void interrupt() = 0;
    /// For people: where it goes, without secrets.
    virtual std::string_view destination() const = 0;
};

}  // namespace penstock
