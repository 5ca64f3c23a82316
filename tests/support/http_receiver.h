// An HTTP server that a test scripts: what webhooks are posted to.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>

#include "tests/support/receiver.h"

namespace penstock::test {

struct HttpPost {
    std::string method, target;
    std::map<std::string, std::string> headers;  ///< names in lower case
    std::string body;
    const std::string& header(const std::string& name) const {
        static const std::string kNone;
        const auto found = headers.find(name);
        return found == headers.end() ? kNone : found->second;
    }
};

struct HttpReply {
    enum class Act { kAnswer, kHang, kClose, kFloodBody, kFloodHeaders };
    int status = 200;
    std::string headers = {};  ///< whole lines, each with CRLF
    std::string body = {};
    int delay_ms = 0;
    Act act = Act::kAnswer;
};

/// Keeps connections open. Answers 200 once the script is at its end.
class HttpReceiver {
  public:
    /// With a certificate: https.
    explicit HttpReceiver(const LocalCertificate* certificate = nullptr);
    ~HttpReceiver();
    uint16_t port() const { return receiver_.port(); }
    std::string url(const std::string& path = "/hook", const std::string& host = "127.0.0.1") const;
    void script(HttpReply reply);
    std::vector<HttpPost> posts() const;
    int connections() const { return receiver_.connections(); }
    /// Waits, five seconds at most.
    bool has_posts(size_t count);

  private:
    void serve(ReceiverStream& stream);
    const LocalCertificate* const certificate_;
    mutable std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<HttpReply> script_;
    std::vector<HttpPost> posts_;
    Receiver receiver_;
};

}  // namespace penstock::test
