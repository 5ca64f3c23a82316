// Items that a person decides, as everybody sees them: what the book of reviews (stages/review) keeps, and
// how it is read.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/log_record.h"

namespace penstock {

/// Numbers are stored.
enum class ReviewState : uint8_t {
    kNew = 0,       ///< before its first record has ended; nobody sees it
    kQueued = 1,    ///< waits for somebody who may take it
    kAssigned = 2,  ///< somebody's, not begun
    kInReview = 3,  ///< claimed: under a lease
    kApproved = 4,
    kRejected = 5,
    kReturned = 6,  ///< waits again: who had it gave it back, left, or let the lease end
    kExpired = 7,   ///< nobody decided it in its time
};
inline constexpr std::array<std::string_view, 8> kReviewStateNames{
    "new", "queued", "assigned", "in_review", "approved", "rejected", "returned", "expired"};

constexpr bool waits(ReviewState s) { return s == ReviewState::kQueued || s == ReviewState::kReturned; }
constexpr bool is_held(ReviewState s) { return s == ReviewState::kAssigned || s == ReviewState::kInReview; }
constexpr bool is_decided(ReviewState s) {
    return s == ReviewState::kApproved || s == ReviewState::kRejected;
}
constexpr bool is_over(ReviewState s) { return is_decided(s) || s == ReviewState::kExpired; }

/// Numbers are stored.
enum class ReviewStepKind : uint8_t {
    kQueued = 0,
    kAssigned = 1,
    kClaimed = 2,
    kReleased = 3,
    kLeaseEnded = 4,
    kLeft = 5,  ///< who had it left, or was quiet too long
    kReassigned = 6,
    kEscalated = 7,
    kApproved = 8,
    kRejected = 9,
    kUndone = 10,
    kExpired = 11,
};
inline constexpr std::array<std::string_view, 12> kReviewStepNames{
    "queued",     "assigned",  "claimed",  "released", "lease_ended", "left",
    "reassigned", "escalated", "approved", "rejected", "undone",      "expired"};

/// One change of an item.
struct ReviewStep {
    Seq seq = 0;  ///< of the record that caused it
    StampNs at_ns = 0;
    uint32_t version = 0;  ///< of the item behind it
    ReviewStepKind kind = ReviewStepKind::kQueued;
    ReviewState before = ReviewState::kNew, after = ReviewState::kNew;
    std::string by;    ///< a user's name, or "penstock"
    std::string whom;  ///< who has it behind it
    std::string note;
    std::string peer;  ///< the address that the command came from
};

struct ReviewItem {
    uint64_t id = 0;  ///< from 1, in the order of the log
    Seq event_seq = 0;
    uint64_t alert = 0;  ///< where it is of an alert: its id; then event_seq is the record that fired it
    uint32_t alert_episode = 0;
    uint16_t tenant = 0, region = 0;  ///< ids in the log's names
    uint8_t priority = 0;             ///< 1 to 5, the highest first
    uint8_t severity = 0;
    bool escalated = false;  ///< for supervisors alone
    ReviewState state = ReviewState::kNew;
    std::string queue;                ///< as configured
    std::string type, subject;        ///< of the event; of an alert, its workflow and rule
    std::string source, event_id;     ///< of the event
    std::vector<std::string> skills;  ///< that it needs
    StampNs created_ns = 0, due_ns = 0, changed_ns = 0, ended_ns = 0;
    StampNs assigned_ns = 0, claimed_ns = 0;
    uint32_t version = 0;  ///< rises with every change
    uint64_t holder = 0;   ///< user number; 0: nobody
    std::string holder_name;
    uint64_t last_holder = 0;
    uint64_t fence = 0;                     ///< of the last claim; fences rise over all items
    StampNs lease_until_ns = 0;             ///< while somebody has it
    StampNs expires_ns = 0, forget_ns = 0;  ///< 0: not set
    StampNs undo_until_ns = 0;              ///< of a decision; worked out where the item is read
    Seq decision_seq = 0;                   ///< of the last decision, or of its undoing
    std::vector<ReviewStep> history;
};

/// What the region of an item's event keeps of a decision.
struct ReviewDecision {
    Seq seq = 0;  ///< of the record; one decision each
    StampNs at_ns = 0;
    uint16_t region = 0, tenant = 0;
    uint64_t item = 0;
    Seq event_seq = 0;
    uint64_t alert = 0;
    ReviewStepKind action = ReviewStepKind::kApproved;
    ReviewState before = ReviewState::kNew, after = ReviewState::kNew;
    uint64_t user = 0;
    std::string by, reason, peer;
    std::string queue, type, subject, source, event_id;
    StampNs created_ns = 0, assigned_ns = 0, claimed_ns = 0;
};

/// What came of a command.
struct ReviewOutcome {
    enum class Result : uint8_t {
        kDone = 0,
        kNoItem = 1,
        kStale = 2,    ///< another version or fence; somebody else has it
        kNotNow = 3,   ///< its state does not allow this
        kTooMany = 4,  ///< who is to get it has as many as anybody may
        kNotActive = 5,
        kNotTheirs = 6,  ///< of a region, or needing a skill or a role, that the user has not
        kTooLate = 7,    ///< to undo
        kNoUser = 8,
        kOtherRequest = 9,  ///< the idempotency key was used for another request
    };
    Result result = Result::kDone;
    bool again = false;  ///< the answer of the first with the same idempotency key
    uint64_t item = 0;
    std::string why;  ///< one sentence, where it was not done
    // As the command left it.
    ReviewState state = ReviewState::kNew;
    uint32_t version = 0;
    uint64_t fence = 0;
    StampNs at_ns = 0, lease_until_ns = 0;
    std::string holder;
};

struct ReviewFilter {
    std::optional<ReviewState> state;
    bool open = false;                ///< only those that are not over
    bool escalated = false;           ///< only those that are
    uint64_t holder = 0;              ///< 0: anybody's
    std::string queue;                ///< empty: any
    std::vector<Seq> events;          ///< ascending; empty: any
    uint64_t regions = ~uint64_t{0};  ///< bit r: region r
    std::vector<uint16_t> tenants;    ///< empty: all
};

/// How somebody stands.
struct ReviewLoad {
    uint64_t user = 0;
    std::string name;
    bool active = false;
    uint32_t open = 0, in_review = 0;
    uint64_t decided = 0;  ///< since the first that is remembered
};

struct ReviewSummary {
    std::array<uint64_t, kReviewStateNames.size()> by_state{};
    std::map<uint16_t, uint64_t> waiting_by_region;
    std::vector<ReviewLoad> operators;
    StampNs oldest_waiting_ns = 0;  ///< 0: none waits
    uint64_t overdue = 0;
    uint64_t not_kept = 0;  ///< events beyond the bound of open items
    uint64_t decisions_to_flush = 0;
};

/// What a region has yet to see done.
struct RegionWork {
    uint64_t open_items = 0, decisions_to_flush = 0;
};

/// Items that somebody was given and has not begun.
struct ReviewNews {
    Seq newest = 0;  ///< of the last that they were ever given, as far as is known; 0: none
    std::vector<ReviewItem> items = {};  ///< by when they were given
};

/// Thread-safe.
class ReviewReader {
  public:
    virtual ~ReviewReader() = default;
    virtual std::optional<ReviewItem> item(uint64_t id) const = 0;
    /// By priority, then due, then id; behind `after` (an item's id).
    virtual std::vector<ReviewItem> items(const ReviewFilter& filter, uint64_t after, size_t limit) const = 0;
    virtual ReviewSummary summary() const = 0;
    /// Given behind `after` (a sequence); `max` of the newest. Cheap where there is nothing.
    virtual ReviewNews news_of(uint64_t user, Seq after, size_t max) const = 0;
    /// Below it their assignments were told by mail.
    virtual Seq told_to(uint64_t user) const = 0;
    /// Looks at every open item.
    virtual RegionWork work_of(uint16_t region) const = 0;
    /// Of the command whose record has this sequence, for some thousand commands.
    virtual std::optional<ReviewOutcome> outcome(Seq seq) const = 0;
};

/// Thread-safe: what goes to a region beside its events.
class DecisionSource {
  public:
    virtual ~DecisionSource() = default;
    /// Of records in [from, to), by sequence. `to` is applied.
    virtual std::vector<ReviewDecision> decisions(uint16_t region, Seq from, Seq to) const = 0;
    /// Below it all records are applied.
    virtual Seq decided_to() const = 0;
    /// Below it decisions of the region are kept no more.
    virtual Seq forgotten_below(uint16_t region) const = 0;
};

}  // namespace penstock
