// Delivers by SMTP, to one server that passes mail on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/clock.h"
#include "stages/notify/channel.h"
#include "stages/notify/transfer.h"

namespace penstock {

struct MailOptions {
    enum class Tls : uint8_t {
        kNone,
        kStartTls,  ///< where the server offers it
        kRequired,  ///< STARTTLS, or nothing is sent
        kImplicit,  ///< from the first byte
    };
    std::string host;
    uint16_t port = 0;  ///< 0: 25 without TLS, 465 implicit, else 587
    Tls tls = Tls::kRequired;
    std::string from;
    std::vector<std::string> to;
    std::string user, password;  ///< empty user: no login
    std::string ca_file;         ///< trusted instead of the host's own authorities; empty: those
    int64_t connect_timeout_ms = 5'000;
    int64_t total_timeout_ms = 30'000;
};

/// Delivered when the server has taken the message for at least one receiver; who was refused is in the
/// detail. A reply of 5xx is permanent; 4xx and faults of the connection are tried again.
class MailChannel final : public Channel {
  public:
    /// `clock` outlives the channel. Throws std::invalid_argument where an address is none.
    MailChannel(MailOptions options, const Clock& clock);

    DeliveryResult deliver(const Notification& notification) override;
    void interrupt() override { transfer_.stop(); }
    std::string_view destination() const override { return destination_; }

  private:
    /// What the server said.
    struct Dialogue {
        std::string last;        ///< reply
        std::string refusal;     ///< the last reply of 4xx or 5xx
        bool transient = false;  ///< there was one of 4xx
    };
    static size_t on_reply(char* bytes, size_t size, size_t count, void* dialogue);
    static size_t read_message(char* into, size_t size, size_t count, void* rest);

    const MailOptions options_;
    const std::string url_, destination_;
    const Clock& clock_;
    Transfer transfer_;
};

}  // namespace penstock
