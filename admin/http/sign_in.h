// Signing in: by a link, by name and password, by a form.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "admin/http/control_asker.h"
#include "admin/http/gate.h"
#include "admin/http/message.h"
#include "admin/http/password_pool.h"
#include "admin/http/sessions.h"
#include "admin/http/sign_in_throttle.h"
#include "pipeline/token_bucket.h"

namespace penstock::http {

/// A path of one segment that may be a sign-in token: /123123123123123.
bool looks_like_token(std::string_view path);

/// The HTTP thread. Calls `answer` once, possibly later.
class SignInDoor {
  public:
    SignInDoor(const Gate& gate, const SessionDoor& sessions, ControlAsker& asker, ControlMailbox& mailbox,
               PasswordPool& passwords, const Clock& clock);

    /// A user of the token signs in by a link: a cookie, and away from the address that holds it.
    void by_link(const Request& request, std::string_view token, const Answer& answer);
    Response page(const Request& request) const;
    /// JSON or a form: name and password, a token, or the choice that a link led to.
    void sign_in(const Request& request, const Answer& answer);

  private:
    struct Asked {
        std::string name, password, token, choice, user, fault;
        bool form = false;
    };
    /// Users of one token, until somebody has said which.
    struct Choice {
        std::string token_hash;
        int64_t until_ns;  ///< monotonic
    };
    Asked asked(const Request& request) const;
    const Choice* choice_of(const std::string& id) const;
    std::string new_choice(std::string token_hash);
    void open(const Request& request, const User& user, std::string_view how, bool redirect,
              const Answer& answer);
    void refuse(const Request& request, std::string_view known_name, std::string_view why);
    Response refused(bool form) const;
    /// Seconds to wait are over; else `answer` was told.
    bool may_try(const std::string& name, const Request& request, bool form, const Answer& answer);

    const Gate& gate_;
    const SessionDoor& sessions_;
    const AccessReader& book_;
    ControlAsker& asker_;
    ControlMailbox& mailbox_;
    PasswordPool& passwords_;
    const Clock& clock_;
    SignInThrottle names_{{5, 60'000'000'000}}, peers_{{20, 900'000'000'000}};
    TokenBucket refusals_{0.2, 20};  ///< that become records
    uint64_t unrecorded_ = 0;
    std::map<std::string, Choice> choices_;
};

}  // namespace penstock::http
