#include "admin/appliance_notify.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "stages/notify/mail.h"
#include "stages/notify/webhook.h"

namespace penstock {
namespace {

std::string file_text(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + file);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::unique_ptr<Channel> webhook_of(const Config::NotifyTarget& target, const Clock& clock) {
    WebhookOptions options;
    options.url = target.url;
    options.allow_private = target.allow_private;
    options.ca_file = target.ca_file;
    std::string lines;
    for (const std::string& secret : target.secrets) lines += secret + "\n";
    if (!target.secret_file.empty()) lines = file_text(target.secret_file);
    auto secrets = parse_webhook_secrets(lines);
    if (!secrets || secrets->empty())
        throw std::runtime_error("notify target " + target.name + " has no secret that can be used");
    options.secrets = std::move(*secrets);
    return std::make_unique<WebhookChannel>(std::move(options), clock);
}

std::unique_ptr<Channel> mail_of(const Config::NotifyTarget& target, const Clock& clock) {
    MailOptions options;
    options.host = target.host;
    options.port = static_cast<uint16_t>(target.port);
    options.tls = target.tls == "none"       ? MailOptions::Tls::kNone
                  : target.tls == "starttls" ? MailOptions::Tls::kStartTls
                  : target.tls == "implicit" ? MailOptions::Tls::kImplicit
                                             : MailOptions::Tls::kRequired;
    options.from = target.from;
    options.to = target.to;
    options.user = target.user;
    options.password = target.password;
    options.ca_file = target.ca_file;
    if (!target.password_file.empty()) {
        options.password = file_text(target.password_file);
        options.password.resize(std::min(options.password.find_first_of("\r\n"), options.password.size()));
    }
    return std::make_unique<MailChannel>(std::move(options), clock);
}

}  // namespace

std::vector<Notifier::Target> make_notify_targets(const Config& config, const Clock& clock) {
    std::vector<Notifier::Target> targets;
    targets.reserve(config.notify.targets.size());
    for (const Config::NotifyTarget& target : config.notify.targets)
        targets.push_back(
            {target.name, target.kind == "mail" ? mail_of(target, clock) : webhook_of(target, clock)});
    return targets;
}

}  // namespace penstock
