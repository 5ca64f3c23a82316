// Alerts between the log and the outside: commands and results become control records, what the book decided
// to tell goes to the notifier.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "admin/config.h"
#include "pipeline/clock.h"
#include "pipeline/mailbox.h"
#include "pipeline/telemetry.h"
#include "stages/alert/alert_book.h"
#include "stages/notify/notifier.h"
#include "storage/event_log.h"

namespace penstock {

/// The configured targets and their filters, as the boot record has them: JSON.
std::string alert_targets_json(const Config& config, const LogNames& names);
/// What else the book of alerts goes by, likewise.
std::string alert_rules_json(const Config::Alerts& alerts);

/// What a target is sent. `subjects`: the instances' keys.
Notification notification_of(const PendingNotice& notice, const LogNames& names,
                             const std::vector<std::string>& subjects);
/// The same of a group. `subjects`: of each alert that it lists.
Notification group_notification_of(const PendingNotice& notice, const LogNames& names,
                                   const std::vector<std::vector<std::string>>& subjects);

/// A thread: hands over what the book decided to tell, once its record is durable, and asks for a record of
/// each outcome. After a restart the book still has what had none. All references outlive it.
class AlertSender {
  public:
    AlertSender(std::vector<Notifier::Target> targets, const EventLog& log, const AlertBook& book,
                ControlMailbox& mailbox, Telemetry& telemetry, const Clock& clock);
    ~AlertSender() { stop(); }

    void start();
    /// Ends deliveries under way; outcomes that are known go to the mailbox. Twice does no harm.
    void stop();

  private:
    void run();
    void hand_over();
    bool offer(const PendingNotice& notice);
    void settled(const DeliveryResult& result);
    /// True: nothing is left.
    bool report();

    const EventLog& log_;
    const AlertBook& book_;
    ControlMailbox& mailbox_;
    Telemetry& telemetry_;
    uint64_t next_order_ = 0;
    std::map<std::string, std::deque<PendingNotice>> held_;  ///< their target's share was taken

    std::mutex mutex_;  // guards what follows
    std::condition_variable news_;
    std::deque<ControlRequest> results_;
    bool stopping_ = false;

    Notifier notifier_;
    std::thread thread_;
};

}  // namespace penstock
