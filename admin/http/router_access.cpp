// The router's answers about people and sessions.
#include "admin/http/router.h"

namespace penstock::http {

Response Router::sign_in_page(const Request& request, std::string_view) const {
    return sign_in_.page(request);
}

Response Router::who_am_i(const Request& request, std::string_view) const {
    return sign_in_.who_am_i(request);
}

void Router::sign_in(const Request& request, std::string_view, const Answer& answer) const {
    sign_in_.sign_in(request, answer);
}

void Router::sign_out(const Request& request, std::string_view, const Answer& answer) const {
    sign_in_.sign_out(request, answer);
}

Response Router::sessions(const Request& request, std::string_view) const {
    return sign_in_.sessions(request);
}

void Router::end_session(const Request& request, std::string_view id, const Answer& answer) const {
    sign_in_.end_session(request, id, answer);
}

Response Router::users(const Request& request, std::string_view) const { return people_.users(request); }

void Router::add_user(const Request& request, std::string_view, const Answer& answer) const {
    people_.add_user(request, answer);
}

Response Router::user(const Request& request, std::string_view who) const {
    return people_.user(request, who);
}

void Router::change_user(const Request& request, std::string_view who, const Answer& answer) const {
    people_.change_user(request, who, answer);
}

void Router::remove_user(const Request& request, std::string_view who, const Answer& answer) const {
    people_.remove_user(request, who, answer);
}

template <bool kActive>
void Router::set_active(const Request& request, std::string_view who, const Answer& answer) const {
    sign_in_.set_active(request, who, kActive, answer);
}
template void Router::set_active<true>(const Request&, std::string_view, const Answer&) const;
template void Router::set_active<false>(const Request&, std::string_view, const Answer&) const;

Response Router::preferences(const Request& request, std::string_view) const {
    return people_.preferences(request);
}

void Router::set_preferences(const Request& request, std::string_view, const Answer& answer) const {
    people_.set_preferences(request, answer);
}

Response Router::keys(const Request& request, std::string_view) const { return people_.keys(request); }

void Router::add_key(const Request& request, std::string_view, const Answer& answer) const {
    people_.add_key(request, answer);
}

void Router::rotate_key(const Request& request, std::string_view id, const Answer& answer) const {
    people_.rotate_key(request, id, answer);
}

void Router::revoke_key(const Request& request, std::string_view id, const Answer& answer) const {
    people_.revoke_key(request, id, answer);
}

}  // namespace penstock::http
