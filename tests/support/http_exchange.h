// A client that keeps what was asked and answered, for a test that holds all of it against the API's
// document.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace penstock::test {

/// Speaks to 127.0.0.1; a connection a request, so that it also reads bodies in chunks, and WebSockets.
class HttpExchange {
  public:
    using Headers = std::map<std::string, std::string>;
    struct Answer {
        unsigned status = 0;
        std::string type, body;
        Headers headers;  ///< names in lower case
    };

    explicit HttpExchange(std::string port) : port_(std::move(port)) {}

    Answer ask(const std::string& method, const std::string& target, const Headers& headers = {},
               const std::string& body = "");
    /// The first message of a WebSocket, kept as an answer of status 101; or the refusal.
    Answer open_stream(const std::string& target, const Headers& headers = {});
    /// A JSON object a line: method, target, status, type, body.
    const std::string& kept() const { return kept_; }
    void set_port(std::string port) { port_ = std::move(port); }

  private:
    void keep(const std::string& method, const std::string& target, const Answer& answer);
    std::string port_, kept_;
};

}  // namespace penstock::test
