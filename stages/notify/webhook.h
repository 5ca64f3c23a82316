// Delivers by HTTP POST, signed as Standard Webhooks asks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/clock.h"
#include "stages/notify/channel.h"
#include "stages/notify/signature.h"
#include "stages/notify/transfer.h"

namespace penstock {

struct WebhookOptions {
    std::string url;
    std::vector<WebhookSecret> secrets;  ///< the newest first; each signs
    bool allow_private = false;          ///< also addresses that are no part of the public internet
    std::string ca_file;                 ///< trusted instead of the host's own authorities; empty: those
    int64_t connect_timeout_ms = 5'000;
    int64_t total_timeout_ms = 15'000;
};

/// What is wrong with a webhook's URL, and how to mend it; empty: nothing. Does not quote it: URLs hold
/// tokens.
std::string webhook_url_fault(const std::string& url, bool allow_private);
/// "https://hooks.example.org", without what may be a secret.
std::string webhook_destination(const std::string& url);

/// 2xx is delivered; 4xx is permanent but for 408, 425 and 429; all else is tried again. Redirects are not
/// followed.
class WebhookChannel final : public Channel {
  public:
    /// `clock` outlives the channel.
    WebhookChannel(WebhookOptions options, const Clock& clock);

    DeliveryResult deliver(const Notification& notification) override;
    void interrupt() override { transfer_.stop(); }
    std::string_view destination() const override { return destination_; }

  private:
    struct Answer {
        size_t header_bytes = 0, body_bytes = 0;
        std::string excerpt;    ///< the body's beginning
        bool too_long = false;  ///< the body was cut; its status counts nevertheless
    };
    static size_t on_header(char* bytes, size_t size, size_t count, void* answer);
    static size_t on_body(char* bytes, size_t size, size_t count, void* answer);
    void judge(long status, const Answer& answer, DeliveryResult& result) const;

    const WebhookOptions options_;
    const std::string destination_;
    const Clock& clock_;
    Transfer transfer_;
};

}  // namespace penstock
