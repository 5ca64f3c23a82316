#include "stages/notify/mail.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "stages/notify/mail_message.h"

namespace penstock {
namespace {

constexpr size_t kReplyBytesMax = 200;
constexpr long kReplyTimeoutS = 10;

std::string address_of(const MailOptions& options) {
    uint16_t port = options.port;
    if (port == 0) {
        port = options.tls == MailOptions::Tls::kNone       ? 25
               : options.tls == MailOptions::Tls::kImplicit ? 465
                                                            : 587;
    }
    const bool ipv6 = options.host.find(':') != std::string::npos;
    return fmt::format("{}{}{}:{}", ipv6 ? "[" : "", options.host, ipv6 ? "]" : "", port);
}

}  // namespace

MailChannel::MailChannel(MailOptions options, const Clock& clock)
    : options_(std::move(options)),
      url_((options_.tls == MailOptions::Tls::kImplicit ? "smtps://" : "smtp://") + address_of(options_)),
      destination_("mail by " + address_of(options_)),
      clock_(clock) {
    const bool sound = is_mail_address(options_.from) && !options_.to.empty() &&
                       std::all_of(options_.to.begin(), options_.to.end(), is_mail_address);
    if (!sound) throw std::invalid_argument("a mail target has an address that is none");
}

/// libcurl hands over every line of the server. A line of 4xx or 5xx is a refusal, of one receiver or of all;
/// the farewell says nothing about the message.
size_t MailChannel::on_reply(char* bytes, size_t size, size_t count, void* into) {
    auto& dialogue = *static_cast<Dialogue*>(into);
    const std::string reply = printable({bytes, size * count}, kReplyBytesMax);
    if (reply.empty() || reply.starts_with("221")) return size * count;
    dialogue.last = reply;
    if (reply[0] == '4' || reply[0] == '5') dialogue.refusal = reply;
    if (reply[0] == '4') dialogue.transient = true;
    return size * count;
}

size_t MailChannel::read_message(char* into, size_t size, size_t count, void* from) {
    auto& rest = *static_cast<std::string_view*>(from);
    const size_t length = std::min(size * count, rest.size());
    std::memcpy(into, rest.data(), length);
    rest.remove_prefix(length);
    return length;
}

DeliveryResult MailChannel::deliver(const Notification& notification) {
    DeliveryResult result;
    result.effect_id = notification.effect_id;
    result.channel = notification.channel;
    result.attempt = notification.attempt + 1;

    const std::vector<std::string> to =
        notification.to.empty() ? options_.to : std::vector<std::string>{notification.to};
    if (!notification.to.empty() && !is_mail_address(notification.to)) {
        result.permanent = true;
        result.detail = "the receiver's address is none";
        return result;
    }
    const std::string message = mail_message(notification, options_.from, to);
    std::string_view rest = message;
    Dialogue dialogue;
    TextList receivers;
    for (const std::string& address : to) receivers.add("<" + address + ">");
    const std::string from = "<" + options_.from + ">";
    // The operator names one mail server, as a rule inside the own network.
    CURL* curl =
        transfer_.begin({true, options_.connect_timeout_ms, options_.total_timeout_ms, options_.ca_file});
    curl_easy_setopt(curl, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    const bool starttls = options_.tls == MailOptions::Tls::kStartTls;
    const bool plain = options_.tls == MailOptions::Tls::kNone;
    curl_easy_setopt(curl, CURLOPT_USE_SSL,
                     static_cast<long>(plain      ? CURLUSESSL_NONE
                                       : starttls ? CURLUSESSL_TRY
                                                  : CURLUSESSL_ALL));
    if (!options_.user.empty()) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, options_.user.c_str());
        curl_easy_setopt(curl, CURLOPT_PASSWORD, options_.password.c_str());
    }
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from.c_str());
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, receivers.get());
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT_ALLLOWFAILS,
                     1L);  // one who is gone does not keep it from others
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_message);
    curl_easy_setopt(curl, CURLOPT_READDATA, &rest);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(message.size()));
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_reply);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &dialogue);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_reply);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &dialogue);
    curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, kReplyTimeoutS);
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);  // servers end idle connections within minutes

    const int64_t begin = clock_.monotonic_ns();
    const CURLcode code = transfer_.perform();
    result.took_ns = clock_.monotonic_ns() - begin;
    if (code == CURLE_OK) {
        result.delivered = true;
        result.detail = dialogue.last;
        if (!dialogue.refusal.empty()) result.detail += "; of a receiver: " + dialogue.refusal;
        return result;
    }
    const bool refused = !dialogue.refusal.empty() && dialogue.last == dialogue.refusal;
    result.permanent = refused && !dialogue.transient && dialogue.last[0] == '5';
    result.detail = refused ? dialogue.refusal : transfer_.error(code);
    return result;
}

}  // namespace penstock
