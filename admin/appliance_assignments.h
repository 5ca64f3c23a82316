// Tells people by mail what they were given to review, where they wish it.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "admin/config.h"
#include "pipeline/clock.h"
#include "pipeline/mailbox.h"
#include "pipeline/telemetry.h"
#include "schemas/access.h"
#include "schemas/review.h"
#include "stages/notify/notifier.h"

namespace penstock {

/// A mail has all that came since the last, review.mail_wait_s apart. What was told is a record: a restart
/// tells nothing again that was delivered, and the rest with the same Message-ID. look(): main thread. All
/// references outlive it.
class AssignmentMail {
  public:
    /// Does nothing where the configuration names no mail target.
    AssignmentMail(const Config& config, const ReviewReader& book, const AccessReader& people,
                   ControlMailbox& mailbox, const Telemetry& telemetry, const Clock& clock);
    ~AssignmentMail() { stop(); }

    void start();
    void stop();
    /// Now and then.
    void look();

  private:
    struct Told {
        Seq seq = 0;  ///< handed over up to it
        int64_t at_ns = 0;
    };
    void tell(const User& user, Told& told, int64_t now_ns);
    void settled(const DeliveryResult& result);
    void report();

    const ReviewReader& book_;
    const AccessReader& people_;
    ControlMailbox& mailbox_;
    const Telemetry& telemetry_;
    const Clock& clock_;
    const std::string target_;
    const int64_t wait_ns_;
    int64_t next_look_ns_ = 0;
    std::map<uint64_t, Told> told_;  ///< by user

    std::mutex mutex_;                                        // guards what follows
    std::map<uint64_t, std::pair<uint64_t, Seq>> under_way_;  ///< user and sequence, by effect
    std::deque<ControlRequest> results_;

    std::unique_ptr<Notifier> notifier_;
};

}  // namespace penstock
