// Signatures of webhooks: Standard Webhooks 1.0 (standardwebhooks.com), symmetric. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

/// The key; never shown.
using WebhookSecret = std::vector<uint8_t>;

/// "whsec_" and the base64 of 24 to 64 bytes. Anything else: nothing.
std::optional<WebhookSecret> parse_webhook_secret(std::string_view text);

/// Of a file: one secret a line, the newest first; empty lines and those that begin with # do not count.
/// Nothing when a line is no secret.
std::optional<std::vector<WebhookSecret>> parse_webhook_secrets(std::string_view lines);

/// The value of webhook-signature: "v1,<base64>" for each secret, with a space between.
std::string webhook_signature(const std::vector<WebhookSecret>& secrets, std::string_view id,
                              int64_t timestamp_s, std::string_view body);

}  // namespace penstock
