#include "stages/access/access_book.h"

#include <algorithm>

#include "schemas/event_fields.h"

namespace penstock {
namespace {

namespace json = boost::json;

constexpr size_t kRefusedMax = 1024;

Scope scope_of(const RecordText& m) { return {m.texts("regions"), m.texts("tenants")}; }

}  // namespace

void AccessBook::apply(const RecordView& record) {
    std::vector<Told> told;
    {
        std::lock_guard lock(mutex_);
        if (record.header->kind == RecordKind::kControl && record.count() > 0) control(record);
        run_timers({record.last_stamp(), record.first_seq()});
        told.swap(told_);
    }
    if (!on_operator) return;
    for (const Told& t : told) on_operator(t.who, t.at.ns, t.at.seq);
}

void AccessBook::control(const RecordView& record) {
    const auto* c = flatbuffers::GetRoot<fb::Control>(record.bytes(0).data());
    const auto kind = static_cast<ControlKind>(c->kind());
    const Now now{record.last_stamp(), record.first_seq()};
    if (kind == ControlKind::kBoot) return boot(RecordText(view_of(c->text())).part("access"));
    if ((kind < ControlKind::kUserSet || kind > ControlKind::kApiKeyRevoked) &&
        kind != ControlKind::kTeamViewSet)
        return;
    run_timers(now);
    if (command(kind, view_of(c->name()), RecordText(view_of(c->text())), now)) return;
    refused_.push_back(now.seq);
    if (refused_.size() > kRefusedMax) refused_.pop_front();
}

bool AccessBook::command(ControlKind kind, std::string_view name, const RecordText& m, Now now) {
    switch (kind) {
        case ControlKind::kUserSet:
            return set_user(name, m, now);
        case ControlKind::kUserRemoved:
            return remove_user(name, now);
        case ControlKind::kSignedIn:
            return sign_in(name, m, now);
        case ControlKind::kSessionEnded: {
            const auto at = session_of_.find(name);
            if (at == session_of_.end()) return false;
            end_session(at->second, now);
            return true;
        }
        case ControlKind::kUserSeen:
            return seen(name, m, now);
        case ControlKind::kUserLeft:
            return leave(name, now);
        case ControlKind::kPreferencesSet:
            return set_preferences(name, m);
        case ControlKind::kApiKeySet:
            return set_key(name, m, now);
        case ControlKind::kApiKeyRevoked:
            return revoke_key(name);
        case ControlKind::kTeamViewSet:
            return set_view(name, m, now);
        default:
            return true;  // kSignInRefused: kept to be read
    }
}

void AccessBook::boot(const RecordText& facts) {
    const int64_t idle_ns = facts.number("session_idle_ns", idle_ns_);
    const int64_t life_ns = facts.number("session_life_ns", life_ns_);
    if (idle_ns == idle_ns_ && life_ns == life_ns_) return;
    idle_ns_ = idle_ns;
    life_ns_ = life_ns;
    facts_dirty_ = true;
    for (const auto& [number, s] : sessions_.rows()) time_session(sessions_.change(number), number);
}

// --- users ------------------------------------------------------------------------------------------------

bool AccessBook::set_user(std::string_view name, const RecordText& m, Now now) {
    const auto known = number_of_.find(name);
    const auto role = role_of(m.text("role"));
    if (!role || name.empty()) return false;
    uint64_t number = 0;
    if (known != number_of_.end()) {
        number = known->second;
        if (m.find("version") && m.number("version") != static_cast<int64_t>(users_.at(number).version))
            return false;
    } else {
        if (m.find("version") || users_.size() >= kUsersMax) return false;
        number = static_cast<uint64_t>(m.number("number"));
        if (number == 0 || users_.contains(number) || number >= (1ULL << 53)) number = next_number_;
    }
    if (number >= next_number_) next_number_ = number + 1, facts_dirty_ = true;
    User& u = users_.make(number);
    unindex(u);
    const bool secrets_changed = known != number_of_.end() && (u.password_hash != m.text("password_hash") ||
                                                               u.token_hash != m.text("token_hash"));
    u.number = number;
    u.name = name;
    u.display_name = m.text("display_name");
    u.role = *role;
    u.scope = scope_of(m);
    u.skills = m.texts("skills");
    u.email = m.text("email");
    u.password_hash = m.text("password_hash");
    u.token_hash = m.text("token_hash");
    u.enabled = !m.find("enabled") || m.flag("enabled");
    u.of_configuration = m.flag("of_configuration");
    u.version = now.seq;
    index(u);
    // Who learned an old secret is out; who changed it by this session stays.
    if (!u.enabled)
        end_sessions_but(number, "", now);
    else if (secrets_changed)
        end_sessions_but(number, m.text("session"), now);
    if (!u.enabled) go(number, true, now);
    tell(number, now);
    return true;
}

bool AccessBook::remove_user(std::string_view name, Now now) {
    const auto known = number_of_.find(name);
    if (known == number_of_.end()) return false;
    const uint64_t number = known->second;
    end_sessions_but(number, "", now);
    go(number, true, now);
    Operator gone = operator_of(users_.at(number));
    gone.enabled = false;
    told_.push_back({std::move(gone), now});
    unindex(users_.at(number));
    users_.erase(number);
    presence_.erase(number);
    return true;
}

bool AccessBook::set_preferences(std::string_view name, const RecordText& m) {
    const auto known = number_of_.find(name);
    const json::value* preferences = m.find("preferences");
    if (known == number_of_.end() || !preferences || !preferences->is_object()) return false;
    std::string text = json::serialize(*preferences);
    if (text.size() > kPreferencesBytesMax) return false;
    users_.change(known->second).preferences = std::move(text);
    return true;
}

// --- sessions and presence --------------------------------------------------------------------------------

bool AccessBook::sign_in(std::string_view id, const RecordText& m, Now now) {
    const auto user = static_cast<uint64_t>(m.number("user"));
    const User* u = users_.find(user);
    if (!u || !u->enabled || id.empty() || session_of_.contains(id) || sessions_.size() >= kSessionsMax)
        return false;
    std::set<uint64_t>& own = sessions_of_[user];
    if (own.size() >= kSessionsOfUserMax)
        end_session(*std::min_element(own.begin(), own.end(),
                                      [&](uint64_t a, uint64_t b) {
                                          return std::pair(sessions_.at(a).seen_ns, a) <
                                                 std::pair(sessions_.at(b).seen_ns, b);
                                      }),
                    now);
    UserSession& s = sessions_.make(now.seq);
    s.id = id;
    s.user = user;
    s.opened_ns = s.seen_ns = now.ns;
    s.peer = m.text("peer");
    s.agent = m.text("agent");
    s.how = m.text("how");
    session_of_[s.id] = now.seq;
    sessions_of_[user].insert(now.seq);
    time_session(s, now.seq);
    come(user, now);
    return true;
}

bool AccessBook::seen(std::string_view name, const RecordText& m, Now now) {
    const auto known = number_of_.find(name);
    if (known == number_of_.end() || !users_.at(known->second).enabled) return false;
    const std::string id = m.text("session");
    if (const auto at = session_of_.find(id);
        at != session_of_.end() && sessions_.at(at->second).user == known->second) {
        UserSession& s = sessions_.change(at->second);
        s.seen_ns = now.ns;
        time_session(s, at->second);
    }
    const Presence* p = presence_.find(known->second);
    if (!p || !p->left || m.flag("back")) come(known->second, now);
    return true;
}

bool AccessBook::leave(std::string_view name, Now now) {
    const auto known = number_of_.find(name);
    if (known == number_of_.end()) return false;
    go(known->second, true, now);
    return true;
}

void AccessBook::come(uint64_t user, Now now) {
    Presence& p = presence_.make(user);
    if (p.active) timers_.erase({presence_end(p), kOfPresence, user});
    p = {true, false, now.ns};
    timers_.insert({presence_end(p), kOfPresence, user});
    tell(user, now);
}

void AccessBook::go(uint64_t user, bool on_purpose, Now now) {
    const Presence* known = presence_.find(user);
    if (!known || (!known->active && (known->left || !on_purpose))) return;
    Presence& p = presence_.change(user);
    timers_.erase({presence_end(p), kOfPresence, user});
    p.left = on_purpose;
    if (!std::exchange(p.active, false)) return;
    tell(user, now);
}

void AccessBook::end_session(uint64_t number, Now now) {
    const UserSession& s = sessions_.at(number);
    const uint64_t user = s.user;
    timers_.erase({s.ends_ns, kOfSession, number});
    session_of_.erase(session_of_.find(s.id));
    const auto own = sessions_of_.find(user);
    own->second.erase(number);
    const bool last = own->second.empty();
    if (last) sessions_of_.erase(own);
    sessions_.erase(number);
    if (last) go(user, false, now);
}

void AccessBook::end_sessions_but(uint64_t user, std::string_view kept, Now now) {
    const auto own = sessions_of_.find(user);
    if (own == sessions_of_.end()) return;
    for (const uint64_t number : std::vector<uint64_t>(own->second.begin(), own->second.end()))
        if (sessions_.at(number).id != kept) end_session(number, now);
}

void AccessBook::time_session(UserSession& s, uint64_t number) {
    timers_.erase({s.ends_ns, kOfSession, number});
    s.ends_ns = std::min(s.seen_ns + idle_ns_, s.opened_ns + life_ns_);
    timers_.insert({s.ends_ns, kOfSession, number});
}

StampNs AccessBook::due_ns() const {
    std::lock_guard lock(mutex_);
    return timers_.empty() ? std::numeric_limits<StampNs>::max() : std::get<0>(*timers_.begin());
}

void AccessBook::run_timers(Now now) {
    while (!timers_.empty() && std::get<0>(*timers_.begin()) <= now.ns) {
        const auto [at_ns, of, id] = *timers_.begin();
        if (of == kOfSession)
            end_session(id, {at_ns, now.seq});
        else
            go(id, false, {at_ns, now.seq});
    }
}

// --- keys -------------------------------------------------------------------------------------------------

bool AccessBook::set_key(std::string_view id, const RecordText& m, Now now) {
    const auto role = role_of(m.text("role"));
    const std::string hash = m.text("hash");
    const auto at = key_of_.find(id);
    if (!role || hash.empty() || id.empty() || (at == key_of_.end() && keys_.size() >= kKeysMax))
        return false;
    if (const auto other = key_of_hash_.find(hash);
        other != key_of_hash_.end() && keys_.at(other->second).id != id)
        return false;
    const uint64_t number = at == key_of_.end() ? now.seq : at->second;
    ApiKey& k = keys_.make(number);
    if (!k.hash.empty()) key_of_hash_.erase(k.hash);
    k = ApiKey{std::string(id), m.text("name"), hash, *role, scope_of(m), m.text("by"), now.ns};
    key_of_[k.id] = number;
    key_of_hash_[k.hash] = number;
    return true;
}

bool AccessBook::revoke_key(std::string_view id) {
    const auto at = key_of_.find(id);
    if (at == key_of_.end()) return false;
    key_of_hash_.erase(keys_.at(at->second).hash);
    keys_.erase(at->second);
    key_of_.erase(at);
    return true;
}

// --- views ------------------------------------------------------------------------------------------------

bool AccessBook::set_view(std::string_view name, const RecordText& m, Now now) {
    const auto at = view_of_.find(name);
    std::string address = m.text("address");
    if (address.empty()) {
        if (at == view_of_.end()) return false;
        views_.erase(at->second);
        view_of_.erase(at);
        return true;
    }
    if (name.empty() || name.size() > kTeamViewNameBytesMax || address.size() > kTeamViewAddressBytesMax ||
        (at == view_of_.end() && views_.size() >= kTeamViewsMax))
        return false;
    const uint64_t number = at == view_of_.end() ? now.seq : at->second;
    views_.make(number) = TeamView{std::string(name), std::move(address), m.text("by"), now.ns};
    view_of_[std::string(name)] = number;
    return true;
}

// --- what others are told ---------------------------------------------------------------------------------

Operator AccessBook::operator_of(const User& u) const {
    const Presence* p = presence_.find(u.number);
    return {u.number,        u.name,   u.role,         u.enabled,
            u.scope.regions, u.skills, p && p->active, p ? p->last_seen_ns : 0,
            u.scope.tenants};
}

void AccessBook::tell(uint64_t user, Now now) { told_.push_back({operator_of(users_.at(user)), now}); }

void AccessBook::index(const User& u) {
    number_of_[u.name] = u.number;
    if (!u.token_hash.empty()) of_token_[u.token_hash].insert(u.number);
}

void AccessBook::unindex(const User& u) {
    if (const auto at = number_of_.find(u.name); at != number_of_.end()) number_of_.erase(at);
    const auto of = of_token_.find(u.token_hash);
    if (of == of_token_.end()) return;
    of->second.erase(u.number);
    if (of->second.empty()) of_token_.erase(of);
}

}  // namespace penstock
