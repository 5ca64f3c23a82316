// Users, their preferences, the views that they share, and the API keys of machines.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/http/control_asker.h"
#include "admin/http/gate.h"
#include "admin/http/message.h"
#include "admin/http/password_pool.h"
#include "admin/http/request_body.h"
#include "storage/event_log.h"

namespace penstock::http {

/// The HTTP thread. Calls `answer` once, possibly later. Secrets are shown once, where they are made.
class PeopleDoor {
  public:
    PeopleDoor(const Gate& gate, const EventLog& log, ControlAsker& asker, PasswordPool& passwords)
        : book_(gate.book()), log_(log), asker_(asker), passwords_(passwords) {}

    Response users(const Request& request) const;
    Response user(const Request& request, std::string_view who) const;
    void add_user(const Request& request, const Answer& answer);
    void change_user(const Request& request, std::string_view who, const Answer& answer);
    void remove_user(const Request& request, std::string_view who, const Answer& answer);
    Response preferences(const Request& request) const;
    void set_preferences(const Request& request, const Answer& answer);
    Response views(const Request& request) const;
    void set_view(const Request& request, std::string_view name, const Answer& answer);
    void remove_view(const Request& request, std::string_view name, const Answer& answer);
    Response keys(const Request& request) const;
    void add_key(const Request& request, const Answer& answer);
    /// A new secret under the same id; the old one is worth nothing from then on.
    void rotate_key(const Request& request, std::string_view id, const Answer& answer);
    void revoke_key(const Request& request, std::string_view id, const Answer& answer);

  private:
    std::optional<User> find(std::string_view who) const;
    std::string user_json(const User& user) const;
    std::string key_json(const ApiKey& key) const;
    void read_scope(RequestBody& body, Scope& scope) const;
    /// What the body says of a user; `token` gets a new one where it is wanted.
    void read_user(RequestBody& body, User& user, std::string& token) const;
    void set_user(const Request& request, User user, bool is_new, std::string password, std::string token,
                  const Answer& answer);
    void ask_for_user(const Request& request, const User& user, bool is_new, const std::string& token,
                      const Answer& answer);
    void set_key(const Request& request, ApiKey key, bool is_new, const Answer& answer);
    void ask_for_view(const Request& request, std::string_view name, const std::string& address,
                      const Answer& answer, Response done);

    const AccessReader& book_;
    const EventLog& log_;
    ControlAsker& asker_;
    PasswordPool& passwords_;
};

}  // namespace penstock::http
