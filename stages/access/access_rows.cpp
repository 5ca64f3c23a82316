// The book of access in rows (docs/storage_layout.md), and as other threads read it.
#include <algorithm>

#include "stages/access/access_book.h"

namespace penstock {
namespace {

// The second byte of a row's key. Numbers are stored.
constexpr uint8_t kFactsRow = 0, kUserRow = 1, kPresenceRow = 2, kSessionRow = 3, kKeyRow = 4, kViewRow = 5;

void put_texts(RowWriter& out, const std::vector<std::string>& texts) {
    out.value(static_cast<uint32_t>(texts.size()));
    for (const std::string& t : texts) out.text(t);
}
std::vector<std::string> get_texts(RowReader& in) {
    std::vector<std::string> texts;
    for (auto left = in.value<uint32_t>(); left > 0 && in.ok(); --left) texts.emplace_back(in.text());
    return texts;
}
std::string text_of(RowReader& in) { return std::string(in.text()); }

void put_user(RowWriter& out, const User& u) {
    out.text(u.name).text(u.display_name).value(u.role);
    put_texts(out, u.scope.regions);
    put_texts(out, u.scope.tenants);
    put_texts(out, u.skills);
    out.text(u.email).text(u.password_hash).text(u.token_hash);
    out.value(static_cast<uint8_t>(u.enabled)).value(static_cast<uint8_t>(u.of_configuration));
    out.text(u.preferences).value(u.version);
}
User get_user(RowReader& in) {
    User u;
    u.name = text_of(in);
    u.display_name = text_of(in);
    u.role = in.value<Role>();
    u.scope.regions = get_texts(in);
    u.scope.tenants = get_texts(in);
    u.skills = get_texts(in);
    u.email = text_of(in);
    u.password_hash = text_of(in);
    u.token_hash = text_of(in);
    u.enabled = in.value<uint8_t>() != 0;
    u.of_configuration = in.value<uint8_t>() != 0;
    u.preferences = text_of(in);
    u.version = in.value<Seq>();
    return u;
}

void put_session(RowWriter& out, const UserSession& s) {
    out.text(s.id).value(s.user).value(s.opened_ns).value(s.seen_ns).value(s.ends_ns);
    out.text(s.peer).text(s.agent).text(s.how);
}
UserSession get_session(RowReader& in) {
    UserSession s;
    s.id = text_of(in);
    s.user = in.value<uint64_t>();
    s.opened_ns = in.value<StampNs>();
    s.seen_ns = in.value<StampNs>();
    s.ends_ns = in.value<StampNs>();
    s.peer = text_of(in);
    s.agent = text_of(in);
    s.how = text_of(in);
    return s;
}

void put_key(RowWriter& out, const ApiKey& k) {
    out.text(k.id).text(k.name).text(k.hash).value(k.role);
    put_texts(out, k.scope.regions);
    put_texts(out, k.scope.tenants);
    out.text(k.by).value(k.set_ns);
}
ApiKey get_key(RowReader& in) {
    ApiKey k;
    k.id = text_of(in);
    k.name = text_of(in);
    k.hash = text_of(in);
    k.role = in.value<Role>();
    k.scope.regions = get_texts(in);
    k.scope.tenants = get_texts(in);
    k.by = text_of(in);
    k.set_ns = in.value<StampNs>();
    return k;
}

}  // namespace

AccessBook::AccessBook()
    : users_(kPrefix, kUserRow, put_user),
      presence_(kPrefix, kPresenceRow,
                [](RowWriter& out, const Presence& p) {
                    out.value(static_cast<uint8_t>(p.active)).value(static_cast<uint8_t>(p.left));
                    out.value(p.last_seen_ns);
                }),
      sessions_(kPrefix, kSessionRow, put_session),
      keys_(kPrefix, kKeyRow, put_key),
      views_(kPrefix, kViewRow, [](RowWriter& out, const TeamView& v) {
          out.text(v.name).text(v.address).text(v.by).value(v.set_ns);
      }) {}

void AccessBook::begin_save(Checkpoint& out) {
    std::lock_guard lock(mutex_);
    users_.begin_save(out);
    presence_.begin_save(out);
    sessions_.begin_save(out);
    keys_.begin_save(out);
    views_.begin_save(out);
    if (!std::exchange(facts_dirty_, false)) return;
    RowWriter key, value;
    value.value(idle_ns_).value(life_ns_).value(next_number_);
    out.put(key.key_u8(kPrefix).key_u8(kFactsRow).bytes(), value.bytes());
}

bool AccessBook::save_some(size_t rows) {
    std::lock_guard lock(mutex_);
    return users_.save_some(rows) || presence_.save_some(rows) || sessions_.save_some(rows) ||
           keys_.save_some(rows) || views_.save_some(rows);
}

void AccessBook::load_row(std::span<const uint8_t> key_bytes, std::span<const uint8_t> value_bytes) {
    std::lock_guard lock(mutex_);
    RowReader key(key_bytes), in(value_bytes);
    key.key_u8();
    const uint8_t table = key.key_u8();
    if (table == kFactsRow) {
        idle_ns_ = in.value<int64_t>();
        life_ns_ = in.value<int64_t>();
        next_number_ = in.value<uint64_t>();
        return;
    }
    const uint64_t id = key.key_u64();
    if (table == kUserRow) {
        User u = get_user(in);
        u.number = id;
        index(users_.load(id, std::move(u)));
    } else if (table == kPresenceRow) {
        Presence p;
        p.active = in.value<uint8_t>() != 0;
        p.left = in.value<uint8_t>() != 0;
        p.last_seen_ns = in.value<StampNs>();
        if (p.active) timers_.insert({presence_end(p), kOfPresence, id});
        presence_.load(id, p);
    } else if (table == kSessionRow) {
        const UserSession& s = sessions_.load(id, get_session(in));
        session_of_[s.id] = id;
        sessions_of_[s.user].insert(id);
        timers_.insert({s.ends_ns, kOfSession, id});
    } else if (table == kKeyRow) {
        const ApiKey& k = keys_.load(id, get_key(in));
        key_of_[k.id] = id;
        key_of_hash_[k.hash] = id;
    } else if (table == kViewRow) {
        TeamView v;
        v.name = text_of(in);
        v.address = text_of(in);
        v.by = text_of(in);
        v.set_ns = in.value<StampNs>();
        view_of_[v.name] = id;
        views_.load(id, std::move(v));
    }
}

void AccessBook::loaded(StampNs last_stamp_ns) {
    std::vector<Operator> all;
    {
        std::lock_guard lock(mutex_);
        for (const auto& [number, u] : users_.rows()) all.push_back(operator_of(u));
    }
    if (!on_operator) return;
    for (const Operator& who : all) on_operator(who, last_stamp_ns, 0);
}

// --- any thread -------------------------------------------------------------------------------------------

User AccessBook::whole(const User& user) const {
    User u = user;
    if (const Presence* p = presence_.find(u.number)) u.active = p->active, u.last_seen_ns = p->last_seen_ns;
    return u;
}

size_t AccessBook::user_count() const {
    std::lock_guard lock(mutex_);
    return users_.size();
}

std::optional<User> AccessBook::user(uint64_t number) const {
    std::lock_guard lock(mutex_);
    const User* u = users_.find(number);
    return u ? std::optional(whole(*u)) : std::nullopt;
}

std::optional<User> AccessBook::user(std::string_view name) const {
    std::lock_guard lock(mutex_);
    const auto at = number_of_.find(name);
    return at == number_of_.end() ? std::nullopt : std::optional(whole(users_.at(at->second)));
}

std::vector<User> AccessBook::users_of_token(std::string_view token_hash) const {
    std::lock_guard lock(mutex_);
    std::vector<User> out;
    if (const auto at = of_token_.find(token_hash); at != of_token_.end())
        for (const uint64_t number : at->second)
            if (users_.at(number).enabled) out.push_back(whole(users_.at(number)));
    return out;
}

std::vector<User> AccessBook::users() const {
    std::lock_guard lock(mutex_);
    std::vector<User> out;
    for (const auto& [number, u] : users_.rows()) out.push_back(whole(u));
    return out;
}

std::optional<UserSession> AccessBook::session(std::string_view id) const {
    std::lock_guard lock(mutex_);
    const auto at = session_of_.find(id);
    return at == session_of_.end() ? std::nullopt : std::optional(UserSession(sessions_.at(at->second)));
}

std::vector<UserSession> AccessBook::sessions(uint64_t user) const {
    std::lock_guard lock(mutex_);
    std::vector<UserSession> out;
    if (user == 0) {
        for (const auto& [number, s] : sessions_.rows()) out.push_back(s);
    } else if (const auto own = sessions_of_.find(user); own != sessions_of_.end()) {
        for (const uint64_t number : own->second) out.push_back(sessions_.at(number));
    }
    return out;
}

std::optional<ApiKey> AccessBook::key_of_hash(std::string_view hash) const {
    std::lock_guard lock(mutex_);
    const auto at = key_of_hash_.find(hash);
    return at == key_of_hash_.end() ? std::nullopt : std::optional(ApiKey(keys_.at(at->second)));
}

std::vector<ApiKey> AccessBook::keys() const {
    std::lock_guard lock(mutex_);
    std::vector<ApiKey> out;
    for (const auto& [number, k] : keys_.rows()) out.push_back(k);
    return out;
}

std::vector<TeamView> AccessBook::views() const {
    std::lock_guard lock(mutex_);
    std::vector<TeamView> out;
    for (const auto& [name, number] : view_of_) out.push_back(views_.at(number));
    return out;
}

bool AccessBook::refused(Seq seq) const {
    std::lock_guard lock(mutex_);
    return std::find(refused_.begin(), refused_.end(), seq) != refused_.end();
}

}  // namespace penstock
