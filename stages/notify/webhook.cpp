#include "stages/notify/webhook.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "stages/notify/address_rules.h"

namespace penstock {
namespace {

constexpr size_t kAnswerBytesMax = 64 * 1024;  ///< of headers, and of a body
constexpr size_t kExcerptBytes = 200;
constexpr int64_t kRetryAfterMaxS = 3'600;

/// Parts of a URL, decoded by the same code that will connect.
class Url {
  public:
    explicit Url(const std::string& text) : handle_(curl_url()) {
        valid_ = handle_ != nullptr &&
                 curl_url_set(handle_, CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
    }
    ~Url() { curl_url_cleanup(handle_); }
    Url(const Url&) = delete;
    Url& operator=(const Url&) = delete;

    bool valid() const { return valid_; }
    std::string part(CURLUPart which) const {
        char* text = nullptr;
        if (!valid_ || curl_url_get(handle_, which, &text, 0) != CURLUE_OK) return {};
        std::string copy(text);
        curl_free(text);
        return copy;
    }

  private:
    CURLU* handle_;
    bool valid_ = false;
};

/// Where the host is an IP literal that is not to be reached.
std::string_view literal_reason(std::string host) {
    sockaddr_storage storage{};
    auto* in = reinterpret_cast<sockaddr_in*>(&storage);
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&storage);
    if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
    if (inet_pton(AF_INET, host.c_str(), &in->sin_addr) == 1) {
        storage.ss_family = AF_INET;
    } else if (inet_pton(AF_INET6, host.c_str(), &in6->sin6_addr) == 1) {
        storage.ss_family = AF_INET6;
    } else {
        return {};
    }
    return private_reason(reinterpret_cast<const sockaddr&>(storage));
}

bool is_permanent(long status) {
    return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
}

}  // namespace

std::string webhook_url_fault(const std::string& text, bool allow_private) {
    const Url url(text);
    const std::string scheme = url.part(CURLUPART_SCHEME);
    if ((scheme != "http" && scheme != "https") || url.part(CURLUPART_HOST).empty())
        return "is not a URL that can be posted to; write https://host/path (or http://)";
    if (!url.part(CURLUPART_USER).empty() || !url.part(CURLUPART_PASSWORD).empty())
        return "holds a user or a password; take them out: receivers know the sender by the signature";
    if (const auto reason = literal_reason(url.part(CURLUPART_HOST)); !allow_private && !reason.empty())
        return fmt::format("leads to a {} address; write allow_private = true where that is meant", reason);
    return {};
}

std::string webhook_destination(const std::string& text) {
    const Url url(text);
    const std::string port = url.part(CURLUPART_PORT);
    return fmt::format("{}://{}{}{}", url.part(CURLUPART_SCHEME), url.part(CURLUPART_HOST),
                       port.empty() ? "" : ":", port);
}

WebhookChannel::WebhookChannel(WebhookOptions options, const Clock& clock)
    : options_(std::move(options)), destination_(webhook_destination(options_.url)), clock_(clock) {}

size_t WebhookChannel::on_header(char*, size_t size, size_t count, void* into) {
    auto& answer = *static_cast<Answer*>(into);
    answer.header_bytes += size * count;
    return answer.header_bytes > kAnswerBytesMax ? 0 : size * count;
}

size_t WebhookChannel::on_body(char* bytes, size_t size, size_t count, void* into) {
    auto& answer = *static_cast<Answer*>(into);
    const size_t length = size * count;
    answer.excerpt.append(bytes, std::min(length, kExcerptBytes - answer.excerpt.size()));
    answer.body_bytes += length;
    answer.too_long = answer.body_bytes > kAnswerBytesMax;
    return answer.too_long ? 0 : length;  // less than was given ends the transfer
}

DeliveryResult WebhookChannel::deliver(const Notification& notification) {
    DeliveryResult result;
    result.effect_id = notification.effect_id;
    result.channel = notification.channel;
    result.attempt = notification.attempt + 1;

    const std::string id = effect_text(notification.effect_id);
    const int64_t now_s = clock_.wall_ns() / 1'000'000'000;
    TextList headers;
    headers.add("Content-Type: application/json");
    headers.add("User-Agent: penstock/" PENSTOCK_VERSION);
    headers.add("Expect:");  // no second round trip before the body
    headers.add("webhook-id: " + id);
    headers.add(fmt::format("webhook-timestamp: {}", now_s));
    headers.add("webhook-signature: " + webhook_signature(options_.secrets, id, now_s, notification.json));

    Answer answer;
    CURL* curl = transfer_.begin(
        {options_.allow_private, options_.connect_timeout_ms, options_.total_timeout_ms, options_.ca_file});
    curl_easy_setopt(curl, CURLOPT_URL, options_.url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, notification.json.c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(notification.json.size()));
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);

    const int64_t begin = clock_.monotonic_ns();
    const CURLcode code = transfer_.perform();
    result.took_ns = clock_.monotonic_ns() - begin;
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && answer.too_long)) {
        judge(status, answer, result);
        curl_off_t wait_s = 0;
        if (status == 429 || status == 503) curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &wait_s);
        result.retry_after_ns = std::clamp<int64_t>(wait_s, 0, kRetryAfterMaxS) * 1'000'000'000;
    } else if (answer.header_bytes > kAnswerBytesMax) {
        result.detail = "the answer's headers are longer than 64 KiB";
    } else {
        result.detail = transfer_.error(code);
    }
    return result;
}

void WebhookChannel::judge(long status, const Answer& answer, DeliveryResult& result) const {
    result.delivered = status >= 200 && status < 300;
    result.permanent = is_permanent(status);
    result.detail = fmt::format("HTTP {}", status);
    if (status >= 300 && status < 400) result.detail += " (redirects are not followed)";
    if (const std::string said = printable(answer.excerpt, kExcerptBytes); !said.empty())
        result.detail += ": " + said;
}

}  // namespace penstock
