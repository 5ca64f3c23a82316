// A request and its answer as the routes see them, free of the socket library.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/access.h"
#include "schemas/answers.h"

namespace penstock::http {

struct Request {
    std::string method;  ///< "GET"
    std::string path;    ///< as sent, without the query
    std::string query;   ///< behind '?', still escaped
    std::string body = {};
    std::string content_type = {}, origin = {}, host = {};  ///< headers of these names
    std::string peer = {};                                  ///< address and port
    std::string cookie = {}, authorization = {}, api_key = {}, idempotency_key = {}, user_agent = {};
    std::string fetch_site = {};  ///< Sec-Fetch-Site
    std::string accept_encoding = {};
    bool secure = false;       ///< by TLS
    Principal principal = {};  ///< who asks, as the router found out
};

/// A body that is made while it is sent. HTTP thread. Its end tells that the client has all, or has gone.
class BodySource {
  public:
    /// An empty piece is the end; nothing: it breaks off, and so does the connection.
    using Take = std::function<void(std::optional<std::string> piece)>;
    virtual ~BodySource() = default;
    /// Asks for the next piece; `take` is called once, now or later. Not asked again before.
    virtual void next(Take take) = 0;
};

struct Response {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    /// Assets named by their content never change; everything else is asked for again each time.
    bool immutable = false;
    /// A page with a form that is sent here.
    bool has_form = false;
    /// Of the console: what in its page may run and be styled with this nonce. Each answer has its own.
    std::string nonce = {};
    std::shared_ptr<BodySource> source = {};  ///< in place of `body`
    /// What may be given again under the same Idempotency-Key, where `body` has a secret.
    std::optional<std::string> kept_body = {};

    Response& header(std::string name, std::string value) {
        headers.emplace_back(std::move(name), std::move(value));
        return *this;
    }
};

struct Once;
/// Takes a request's answer.
struct Answer : std::function<void(Response)> {
    using std::function<void(Response)>::function;
    std::shared_ptr<Once> once = {};  ///< of a command under an Idempotency-Key
};
/// A command that is done once, while it is under way.
struct Once {
    CommandKey command;
    Answer client;
    bool asked = false;  ///< a record with the key is on its way
    bool told = false;

    /// Answers the client; what comes of the command later is kept all the same.
    void tell(const Response& response) {
        if (!std::exchange(told, true)) client(response);
    }
};

/// Adds a secret to the object in `answer`, as a member that is shown this once.
void show_once(Response& answer, std::string_view member, std::string_view secret);

/// An RFC 9457 problem document. `slug` is the stable part of its type, "urn:penstock:problem:<slug>";
/// `detail` says what happened and what to do.
Response problem(unsigned status, std::string_view slug, std::string_view title, std::string_view detail);

/// One wrong query parameter, as listed in a 400's `errors`.
struct ParameterError {
    std::string parameter, detail;
};
Response bad_parameters(const std::vector<ParameterError>& errors);

/// Why a request that changes something is refused before it is read: a page of another site, open in an
/// operator's browser, must not be able to send one. `takes_form`: also what an HTML form sends, or nothing
/// at all.
std::optional<Response> refuse_change(const Request& request, bool takes_form = false);
inline constexpr std::string_view kFormType = "application/x-www-form-urlencoded";
bool has_content_type(const Request& request, std::string_view type);

/// Who did it, as records have it: a user by name, whatever is `given`; else who a program says that it asks
/// for, and by which key.
std::string who_did(const Request& request, const std::string& given);
/// A role's least is missing.
Response role_missing(Role needed, const Principal& who);

}  // namespace penstock::http
