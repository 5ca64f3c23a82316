// Sessions: whose they are, and their end; and who is there.
#pragma once

#include <string>
#include <string_view>

#include "admin/http/control_asker.h"
#include "admin/http/gate.h"
#include "admin/http/message.h"

namespace penstock::http {

/// The HTTP thread. Calls `answer` once, possibly later.
class SessionDoor {
  public:
    SessionDoor(const Gate& gate, ControlAsker& asker) : book_(gate.book()), asker_(asker) {}

    Response who_am_i(const Request& request) const;
    void sign_out(const Request& request, const Answer& answer);
    Response list(const Request& request) const;
    void end(const Request& request, std::string_view id, const Answer& answer);
    /// `user`: name or number.
    void set_active(const Request& request, std::string_view user, bool active, const Answer& answer);

  private:
    std::string session_json(const UserSession& session, std::string_view own) const;

    const AccessReader& book_;
    ControlAsker& asker_;
};

/// A Set-Cookie header of the session's token; empty and of no life: it ends.
std::string session_cookie(const Request& request, std::string_view token, int64_t life_s);

}  // namespace penstock::http
