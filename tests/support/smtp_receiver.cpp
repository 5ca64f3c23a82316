#include "tests/support/smtp_receiver.h"

#include <algorithm>
#include <chrono>

namespace penstock::test {

SmtpReceiver::SmtpReceiver(Tls tls, const LocalCertificate* certificate)
    : tls_(tls), certificate_(certificate), receiver_([this](ReceiverStream& stream) { serve(stream); }) {}

SmtpReceiver::~SmtpReceiver() { receiver_.stop(); }

void SmtpReceiver::script(const std::string& command, const std::string& reply) {
    const std::lock_guard lock(mutex_);
    script_[command] = reply;
}

void SmtpReceiver::forget_script() {
    const std::lock_guard lock(mutex_);
    script_.clear();
}

std::vector<SmtpMail> SmtpReceiver::mails() const {
    const std::lock_guard lock(mutex_);
    return mails_;
}

std::vector<std::string> SmtpReceiver::commands() const {
    const std::lock_guard lock(mutex_);
    return commands_;
}

bool SmtpReceiver::has_command(const std::string& command) {
    std::unique_lock lock(mutex_);
    return arrived_.wait_for(lock, std::chrono::seconds(5), [&] {
        return std::any_of(commands_.begin(), commands_.end(),
                           [&](const std::string& c) { return c.starts_with(command); });
    });
}

std::string SmtpReceiver::scripted(const std::string& command) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [beginning, reply] : script_)
        if (beginning.empty() ? command.empty() : command.starts_with(beginning)) return reply;
    return {};
}

bool SmtpReceiver::answer(ReceiverStream& stream, const std::string& command, const std::string& consent) {
    const std::string reply = scripted(command);
    if (reply == "hang") {
        stream.hang();
        return false;
    }
    return stream.write((reply.empty() ? consent : reply) + "\r\n");
}

void SmtpReceiver::serve(ReceiverStream& stream) {
    bool tls = tls_ == Tls::kImplicit;
    if (tls && !stream.start_tls(*certificate_)) return;
    if (!answer(stream, "", "220 receiver")) return;
    SmtpMail mail;
    while (const auto line = stream.read_line()) {
        {
            const std::lock_guard lock(mutex_);
            commands_.push_back(*line);
        }
        arrived_.notify_all();
        if (line->starts_with("EHLO")) {
            const std::string offer = tls_ == Tls::kOffered && !tls ? "250-STARTTLS\r\n" : "";
            if (!answer(stream, *line, "250-receiver\r\n" + offer + "250 AUTH PLAIN")) return;
        } else if (line->starts_with("STARTTLS")) {
            if (!stream.write("220 go\r\n") || !stream.start_tls(*certificate_)) return;
            tls = true;
        } else if (line->starts_with("AUTH")) {
            if (!answer(stream, *line, line->find(' ', 5) == std::string::npos ? "334 " : "235 welcome"))
                return;
        } else if (line->starts_with("MAIL FROM:")) {
            mail = {};
            mail.from = line->substr(10, line->find('>') - 9);
            if (!answer(stream, *line, "250 ok")) return;
        } else if (line->starts_with("RCPT TO:")) {
            if (scripted(*line).empty()) mail.to.push_back(line->substr(8));
            if (!answer(stream, *line, "250 ok")) return;
        } else if (line->starts_with("DATA")) {
            const bool refused = !scripted(*line).empty();
            const bool stalls = scripted(*line) == "stall";
            if (!(stalls ? stream.write("354 go on\r\n") : answer(stream, *line, "354 go on"))) return;
            if (stalls) stream.sleep_ms(300);
            if (refused && !stalls) continue;
            while (true) {
                auto text = stream.read_line();
                if (!text) return;
                if (*text == ".") break;
                if (text->starts_with('.')) text->erase(0, 1);
                mail.message += *text + "\r\n";
            }
            mail.tls = tls;
            if (scripted(".").empty()) {
                const std::lock_guard lock(mutex_);
                mails_.push_back(mail);
            }
            if (!answer(stream, ".", "250 queued as 4711")) return;
        } else if (line->starts_with("QUIT")) {
            answer(stream, *line, "221 bye");
            return;
        } else {
            // What is left of a login: its secret, in base64.
            if (!answer(stream, *line, "235 welcome")) return;
        }
    }
}

}  // namespace penstock::test
