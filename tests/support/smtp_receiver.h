// An SMTP server that a test scripts: what takes the mails.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>

#include "tests/support/receiver.h"

namespace penstock::test {

struct SmtpMail {
    std::string from;
    std::vector<std::string> to;
    std::string message;  ///< as it came, without the dots of transparency
    bool tls = false;
};

class SmtpReceiver {
  public:
    enum class Tls { kNone, kOffered, kImplicit };
    explicit SmtpReceiver(Tls tls = Tls::kNone, const LocalCertificate* certificate = nullptr);
    ~SmtpReceiver();
    uint16_t port() const { return receiver_.port(); }

    /// Replies so to each command that begins with `command` ("RCPT TO:<a@b>", "DATA", "." for the message's
    /// end, "" for the greeting), instead of consenting. "hang": not at all; "stall" (of
    /// DATA): consents, and then does not read for 300 ms.
    void script(const std::string& command, const std::string& reply);
    void forget_script();
    std::vector<SmtpMail> mails() const;
    std::vector<std::string> commands() const;
    /// Waits for a command that begins so, five seconds at most.
    bool has_command(const std::string& command);

  private:
    void serve(ReceiverStream& stream);
    /// False: the connection is over.
    bool answer(ReceiverStream& stream, const std::string& command, const std::string& consent);
    std::string scripted(const std::string& command) const;

    const Tls tls_;
    const LocalCertificate* const certificate_;
    mutable std::mutex mutex_;
    std::condition_variable arrived_;
    std::map<std::string, std::string> script_;
    std::vector<SmtpMail> mails_;
    std::vector<std::string> commands_;
    Receiver receiver_;
};

}  // namespace penstock::test
