// Users, their sessions and presence, the views that they share, and the API keys of machines: a function of
// the log.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "pipeline/record_text.h"
#include "pipeline/saved_map.h"
#include "pipeline/state_machine.h"
#include "schemas/access.h"

namespace penstock {

/// Applied by one thread, read by any. Memory: kUsersMax users, kSessionsMax sessions, kKeysMax keys,
/// kTeamViewsMax views.
class AccessBook final : public StateMachine, public AccessReader {
  public:
    static constexpr size_t kUsersMax = 10'000, kSessionsMax = 100'000, kKeysMax = 1000;
    /// Of one user; of more the one that was seen longest ago ends.
    static constexpr size_t kSessionsOfUserMax = 100;
    /// Somebody is active for so long after a sign of life.
    static constexpr int64_t kPresenceNs = 300'000'000'000;

    /// Whenever what Operator says of a user has changed, and for each user once the rows are loaded. From
    /// within apply and loaded, in the log's order, without a lock. `at_ns`: when it came about; rises. A
    /// user who is removed is told as not enabled. Set before the first call.
    std::function<void(const Operator&, StampNs at_ns, Seq seq)> on_operator;

    AccessBook();
    uint8_t row_prefix() const override { return kPrefix; }
    void apply(const RecordView& record) override;
    StampNs due_ns() const override;
    void begin_save(Checkpoint& out) override;
    bool save_some(size_t rows) override;
    void load_row(std::span<const uint8_t> key, std::span<const uint8_t> value) override;
    void loaded(StampNs last_stamp_ns) override;

    size_t user_count() const override;
    std::optional<User> user(uint64_t number) const override;
    std::optional<User> user(std::string_view name) const override;
    std::vector<User> users_of_token(std::string_view token_hash) const override;
    std::vector<User> users() const override;
    std::optional<UserSession> session(std::string_view id) const override;
    std::vector<UserSession> sessions(uint64_t user) const override;
    std::optional<ApiKey> key_of_hash(std::string_view hash) const override;
    std::vector<ApiKey> keys() const override;
    std::vector<TeamView> views() const override;
    bool refused(Seq seq) const override;

  private:
    static constexpr uint8_t kPrefix = 'U';
    struct Presence {
        bool active = false;
        bool left = false;  ///< on purpose: only a sign-in or a wish brings back
        StampNs last_seen_ns = 0;
    };
    struct Now {
        StampNs ns;
        Seq seq;
    };
    /// What a timer is of. Those of one instant run in this order.
    enum TimerOf : uint8_t { kOfSession = 0, kOfPresence = 1 };

    void control(const RecordView& record);
    bool command(ControlKind kind, std::string_view name, const RecordText& m, Now now);
    void boot(const RecordText& facts);
    bool set_user(std::string_view name, const RecordText& m, Now now);
    bool remove_user(std::string_view name, Now now);
    bool sign_in(std::string_view id, const RecordText& m, Now now);
    bool seen(std::string_view name, const RecordText& m, Now now);
    bool leave(std::string_view name, Now now);
    bool set_preferences(std::string_view name, const RecordText& m);
    bool set_key(std::string_view id, const RecordText& m, Now now);
    bool revoke_key(std::string_view id);
    bool set_view(std::string_view name, const RecordText& m, Now now);
    void run_timers(Now now);
    void end_session(uint64_t number, Now now);
    void end_sessions_but(uint64_t user, std::string_view kept, Now now);
    void time_session(UserSession& s, uint64_t number);
    void come(uint64_t user, Now now);
    void go(uint64_t user, bool on_purpose, Now now);
    void tell(uint64_t user, Now now);
    void index(const User& user);
    void unindex(const User& user);
    Operator operator_of(const User& user) const;
    User whole(const User& user) const;
    static StampNs presence_end(const Presence& p) { return p.last_seen_ns + kPresenceNs; }

    mutable std::mutex mutex_;  // guards what follows
    SavedMap<User> users_;      ///< without their presence
    SavedMap<Presence> presence_;
    SavedMap<UserSession> sessions_;  ///< by the record that opened them
    SavedMap<ApiKey> keys_;           ///< by the record that made them
    SavedMap<TeamView> views_;        ///< by the record that made them
    int64_t idle_ns_ = 1'800'000'000'000, life_ns_ = 43'200'000'000'000;
    uint64_t next_number_ = 1;
    bool facts_dirty_ = false;
    // What follows from the above.
    std::map<std::string, uint64_t, std::less<>> number_of_;
    std::map<std::string, std::set<uint64_t>, std::less<>> of_token_;
    std::map<std::string, uint64_t, std::less<>> session_of_, key_of_, key_of_hash_, view_of_;
    std::map<uint64_t, std::set<uint64_t>> sessions_of_;
    std::set<std::tuple<StampNs, uint8_t, uint64_t>> timers_;
    // No part of the state.
    std::deque<Seq> refused_;  ///< the last commands that were
    struct Told {
        Operator who;
        Now at;
    };
    std::vector<Told> told_;  ///< within the record that is applied
};

}  // namespace penstock
