// Items that people decide: who has which, and what came of it. A function of the log.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "pipeline/saved_map.h"
#include "pipeline/state_machine.h"
#include "schemas/access.h"
#include "schemas/alert.h"
#include "schemas/review.h"
#include "stages/review/policy.h"

namespace penstock {

class RecordText;

/// Applied by one thread, read by any. Memory: `open_max` items that are open, those of `retention_ns` that
/// are over, an answer for each idempotency key of a day (100,000 at most), decisions that their region has
/// not taken yet.
///
/// Items wait in lanes: those that the same people may take. Whoever is active, may take a lane's items and
/// has room gets its first; an item that comes goes to whom has the least. A claim begins a lease under a
/// fencing token that rises over all items; what is sent with an older one is refused.
class ReviewBook final : public StateMachine, public ReviewReader, public DecisionSource {
  public:
    static constexpr size_t kHistoryMax = 50, kAnswersMax = 100'000, kOutcomesMax = 8'192;
    /// Decisions that are kept although their region has them: it may be restored from a backup.
    static constexpr size_t kDecisionsKept = 100'000;
    static constexpr int64_t kAnswerNs = 86'400'000'000'000;
    /// Who gave no sign of life for so long keeps what they have begun. Signs are noted every 30 s at most,
    /// so it is at least a minute.
    static constexpr int64_t kAwayNs = 90'000'000'000;

    ReviewBook();

    /// From inside another machine's apply of a record, before this one's. A sequence of 0: while loading.
    void on_operator(const Operator& who, StampNs at_ns, Seq seq);
    void on_alert_fired(const Alert& alert, StampNs at_ns, Seq seq);
    void on_region(const std::string& name, uint16_t id, StampNs at_ns, Seq seq);

    uint8_t row_prefix() const override { return kPrefix; }
    void apply(const RecordView& record) override;
    StampNs due_ns() const override;
    void begin_save(Checkpoint& out) override;
    bool save_some(size_t rows) override;
    void load_row(std::span<const uint8_t> key, std::span<const uint8_t> value) override;
    void loaded(StampNs last_stamp_ns) override;

    std::optional<ReviewItem> item(uint64_t id) const override;
    std::vector<ReviewItem> items(const ReviewFilter& filter, uint64_t after, size_t limit) const override;
    ReviewSummary summary() const override;
    RegionWork work_of(uint16_t region) const override;
    ReviewNews news_of(uint64_t user, Seq after, size_t max) const override;
    Seq told_to(uint64_t user) const override;
    std::optional<ReviewOutcome> outcome(Seq seq) const override;

    std::vector<ReviewDecision> decisions(uint16_t region, Seq from, Seq to) const override;
    Seq decided_to() const override;
    Seq forgotten_below(uint16_t region) const override;
    /// As the boot record and the book of regions have it; kRegionNone: there is none.
    uint16_t region_id(std::string_view name) const;
    /// Not known to be in their region yet.
    size_t decisions_to_flush() const;

  private:
    static constexpr uint8_t kPrefix = 'R';
    static constexpr std::string_view kSelf = "penstock";  ///< who does what nobody asked for
    struct Now {
        StampNs ns;
        Seq seq;
    };
    struct Command {
        std::string by, peer, note;
        uint64_t user = 0;
        Role role = Role::kViewer;
        StampNs at_ns = 0;
    };
    /// What of a person is not in the book of access.
    struct Work {
        StampNs last_ns = 0;  ///< when they last did something with an item
        uint64_t decided = 0;
        Seq told = 0;  ///< the last assignment that they were told of
    };
    struct Person {
        Operator facts;
        uint64_t regions = 0;  ///< bit r: region r
        std::set<uint64_t> held;
        Seq given = 0;        ///< the last assignment, as far as it is known
        StampNs away_ns = 0;  ///< when they will count as away; 0: they do, or are not active
    };
    struct Answered {
        std::string by, key, request;
        StampNs until_ns = 0;
        ReviewOutcome outcome;
    };
    /// How far a region was reported to be, and below what decisions of it are not kept any more.
    struct Flushed {
        Seq below = 0, forgotten_below = 0;
    };
    /// Items that the same people may take.
    struct Lane {
        uint16_t region, tenant;
        bool escalated;
        std::vector<std::string> skills;
        friend auto operator<=>(const Lane&, const Lane&) = default;
    };
    /// Where it stands in line: priority (the highest first), due, id.
    using Place = std::tuple<uint8_t, StampNs, uint64_t>;
    enum TimerOf : uint8_t { kLease = 0, kExpiry = 1, kForget = 2, kAway = 3 };

    static Place place_of(const ReviewItem& item);
    /// When it was given to who has it.
    static Seq given_at(const ReviewItem& item);
    static Lane lane_of(const ReviewItem& item) {
        return {item.region, item.tenant, item.escalated, item.skills};
    }

    // Items and their states (review_book.cpp).
    void events(const RecordView& record);
    void add(ReviewItem item, const ReviewQueue& queue, Now now);
    void step(ReviewItem& item, ReviewStepKind kind, ReviewState after, const Command& by, Now now);
    void set_lease(ReviewItem& item, StampNs until_ns);
    void run_timers(Now now);
    void lease_over(uint64_t id, Now now);
    void expire(uint64_t id, Now now);
    void over(ReviewItem& item, Now now);
    void boot(std::string_view facts, Now now);
    void take_policy(std::string_view facts);
    void name_tenant(std::string_view name, const RecordText& text);
    // Who gets what (review_assign.cpp).
    bool may_take(const Person& person, const ReviewItem& item) const;
    bool may_take(const Person& person, const Lane& lane) const;
    void assign(ReviewItem& item, Person& person, ReviewStepKind kind, const Command& by, Now now);
    /// Takes it out of its holder's hands, or out of its lane.
    void take_out(ReviewItem& item);
    /// Behind take_out: it waits, or somebody gets it at once.
    void put_back(ReviewItem& item, ReviewStepKind kind, ReviewState state, const Command& by, Now now);
    void offer(ReviewItem& item, Now now);
    void draw(Person& person, Now now);
    void draw_for(uint64_t user, Now now);
    void return_held(Person& person, bool begun, const std::string& why, Now now);
    void set_away(uint64_t user, Person& person, StampNs at_ns);
    bool has_room(const Person& person) const {
        return person.away_ns != 0 && person.held.size() < policy_.held_max;
    }
    // Commands (review_commands.cpp).
    void control(const RecordView& record);
    ReviewOutcome command(ControlKind kind, ReviewItem& item, const RecordText& m, const Command& by,
                          Now now);
    ReviewOutcome claim(ReviewItem& item, const RecordText& m, const Command& by, Now now);
    ReviewOutcome release(ReviewItem& item, const RecordText& m, const Command& by, Now now);
    ReviewOutcome renew(ReviewItem& item, const RecordText& m, const Command& by, Now now);
    ReviewOutcome reassign(ReviewItem& item, const RecordText& m, const Command& by, Now now);
    ReviewOutcome escalate(ReviewItem& item, const RecordText& m, const Command& by, Now now);
    ReviewOutcome decide(ReviewItem& item, const RecordText& m, const Command& by, Now now);
    ReviewOutcome undo(ReviewItem& item, const RecordText& m, const Command& by, Now now);
    bool holds_it(const ReviewItem& item, const RecordText& m, const Command& by) const;
    ReviewOutcome stale(const ReviewItem& item) const;
    ReviewOutcome done(const ReviewItem& item, Now now) const;
    void remember(const Command& by, const std::string& key, const std::string& request,
                  const ReviewOutcome& outcome, Now now);
    void keep_decision(const ReviewItem& item, const ReviewStep& step, const Command& by);
    void flushed(std::string_view text);
    void find_to_flush();
    static void put_item(RowWriter& out, const ReviewItem& item);
    static void put_decision(RowWriter& out, const ReviewDecision& decision);
    static void put_answered(RowWriter& out, const Answered& answered);

    mutable std::mutex mutex_;  // guards what follows
    SavedMap<ReviewItem> items_;
    SavedMap<ReviewDecision> decisions_;          ///< by sequence
    SavedMap<Flushed> flushed_;                   ///< by region
    std::map<uint64_t, std::set<Seq>> to_flush_;  ///< by region: decisions that it is not known to have
    SavedMap<Answered> answered_;                 ///< by a hash of who and the idempotency key
    SavedMap<Work> work_;                         ///< by user
    uint64_t next_id_ = 1, next_fence_ = 1, not_kept_ = 0;
    std::string facts_;  ///< of the last boot record
    bool facts_dirty_ = false;
    // What follows from the above, from the boot record and the book of access.
    ReviewPolicy policy_;
    std::map<uint16_t, std::string> named_;          ///< regions that came after the boot record
    std::map<uint16_t, std::string> named_tenants_;  ///< likewise
    std::map<uint64_t, Person> people_;
    std::map<Lane, std::set<Place>> lanes_;
    std::set<Place> open_;
    std::set<std::tuple<StampNs, uint8_t, uint64_t>> timers_;
    std::set<std::pair<StampNs, uint64_t>> answers_end_;
    std::array<uint64_t, kReviewStateNames.size()> by_state_{};
    // No part of the state.
    Seq decided_to_ = 0;
    std::deque<std::pair<Seq, ReviewOutcome>> outcomes_;
};

}  // namespace penstock
