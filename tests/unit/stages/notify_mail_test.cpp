#include "stages/notify/mail.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <chrono>
#include <sstream>
#include <thread>

#include "stages/notify/mail_message.h"
#include "tests/support/manual_clock.h"
#include "tests/support/smtp_receiver.h"

namespace penstock::test {
namespace {

Notification alert() {
    Notification n;
    n.effect_id = 7;
    n.channel = "ops";
    n.kind = "alert.firing";
    n.at_ns = 1'767'225'600'000'000'000;  // 2026-01-01
    n.subject = "door-3: answer is late";
    n.text = "Late by 5 minutes.\n.\n.hidden\r\nÄrger";
    return n;
}

std::string decoded(std::string text) {
    std::erase_if(text, [](char c) { return c == '\r' || c == '\n'; });
    std::string out(text.size(), '\0');
    int bytes =
        EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    for (size_t i = text.size(); i > 0 && text[i - 1] == '='; --i) --bytes;
    out.resize(static_cast<size_t>(std::max(bytes, 0)));
    return out;
}

std::string header_part(const std::string& message) {
    return message.substr(0, message.find("\r\n\r\n") + 2);
}
std::string body_part(const std::string& message) { return message.substr(message.find("\r\n\r\n") + 4); }

/// The text of encoded words, as RFC 2047 has it read.
std::string decoded_words(const std::string& subject) {
    std::string out;
    for (size_t at = 0; (at = subject.find("=?UTF-8?B?", at)) != std::string::npos;) {
        const size_t end = subject.find("?=", at + 10);
        out += decoded(subject.substr(at + 10, end - at - 10));
        at = end;
    }
    return out;
}

struct MailTest : testing::Test {
    ManualClock clock;
    SmtpReceiver receiver;
    MailOptions options;
    MailTest() {
        options.host = "127.0.0.1";
        options.port = receiver.port();
        options.tls = MailOptions::Tls::kNone;
        options.from = "penstock@example.org";
        options.to = {"ops@example.org", "night+shift@example.com"};
    }
    DeliveryResult deliver() { return MailChannel(options, clock).deliver(alert()); }
};

TEST(MailMessage, HasEveryHeaderAndTheTextInBase64) {
    const std::string message = mail_message(alert(), "penstock@example.org", {"a@example.org", "b@x.org"});
    EXPECT_EQ(header_part(message),
              "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n"
              "From: penstock@example.org\r\n"
              "To: a@example.org,\r\n b@x.org\r\n"
              "Subject: door-3: answer is late\r\n"
              "Message-ID: <ntf_0000000000000007@example.org>\r\n"
              "Auto-Submitted: auto-generated\r\n"
              "MIME-Version: 1.0\r\n"
              "Content-Type: text/plain; charset=utf-8\r\n"
              "Content-Transfer-Encoding: base64\r\n");
    EXPECT_EQ(decoded(body_part(message)), "Late by 5 minutes.\r\n.\r\n.hidden\r\nÄrger\r\n");
    EXPECT_EQ(message, mail_message(alert(), "penstock@example.org", {"a@example.org", "b@x.org"}));
}

TEST(MailMessage, LinesAreShortAndEndWithCrlf) {
    Notification n = alert();
    n.text = std::string(10'000, 'x') + "\r" + std::string(100, 'y');
    n.subject = std::string(5'000, 'z');
    std::istringstream lines(mail_message(n, "a@b.org", {"c@d.org"}));
    for (std::string line; std::getline(lines, line);) {
        ASSERT_TRUE(line.ends_with('\r'));
        EXPECT_LE(line.size(), 79u) << line;
        EXPECT_EQ(line.find('\r'), line.size() - 1);
    }
}

TEST(MailMessage, NothingInASubjectCanAddAHeader) {
    for (const std::string& attack :
         std::vector<std::string>{"late\r\nBcc: all@example.org", "late\nBcc: x\n\nbody", "late\rBcc: x",
                                  "=?UTF-8?Q?x?=\r\nBcc: y", std::string("a\0b\r\nBcc: x", 11)}) {
        Notification n = alert();
        n.subject = attack;
        const std::string headers = header_part(mail_message(n, "a@b.org", {"c@d.org"}));
        EXPECT_EQ(headers.find("\nBcc"), std::string::npos) << headers;
        EXPECT_EQ(std::count(headers.begin(), headers.end(), '\r'),
                  std::count(headers.begin(), headers.end(), '\n'));
    }
    EXPECT_EQ(mail_subject("late\r\nBcc: x"), "late  Bcc: x");
    EXPECT_EQ(decoded_words(mail_subject("Ä\r\nBcc: x")), "Ä  Bcc: x");
}

TEST(MailMessage, ASubjectThatIsNotShortAsciiIsInEncodedWords) {
    EXPECT_EQ(mail_subject("Tür 3"), "=?UTF-8?B?VMO8ciAz?=");
    std::string text;
    for (int i = 0; i < 40; ++i) text += i % 3 == 0 ? "ü" : i % 3 == 1 ? "€" : "🚨";
    const std::string subject = mail_subject(text);
    EXPECT_EQ(decoded_words(subject), text);
    std::istringstream words(subject);
    for (std::string word; words >> word;) {
        EXPECT_LE(word.size(), 75u);
        // Each word holds whole characters, as RFC 2047 asks.
        const std::string part = decoded_words(word);
        EXPECT_NE(static_cast<unsigned char>(part[0]) & 0xc0, 0x80);
    }
    EXPECT_EQ(decoded_words(mail_subject("=?UTF-8?B?WA==?=")), "=?UTF-8?B?WA==?=");
    EXPECT_EQ(decoded_words(mail_subject(std::string(200, '\xbf'))).size(), 200u);  // no UTF-8 at all
}

TEST(MailMessage, OnlyPlainAddressesAreAddresses) {
    for (const char* good : {"a@b", "night+shift@example.org", "o'neil@example.org"})
        EXPECT_TRUE(is_mail_address(good)) << good;
    for (const char* bad : {"", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\r\nRCPT TO:<x@y>", "<a@b>", "A <a@b>",
                            "a@b,c@d", "\"a\"@b", "ä@b", "a@b\t", "a@b\n"})
        EXPECT_FALSE(is_mail_address(bad)) << bad;
}

TEST_F(MailTest, IsTakenByTheServerForEveryReceiver) {
    const DeliveryResult result = deliver();
    EXPECT_TRUE(result.delivered);
    EXPECT_EQ(result.detail, "250 queued as 4711");
    EXPECT_EQ(result.attempt, 1u);
    ASSERT_EQ(receiver.mails().size(), 1u);
    const SmtpMail mail = receiver.mails()[0];
    EXPECT_EQ(mail.from, "<penstock@example.org>");
    EXPECT_EQ(mail.to, (std::vector<std::string>{"<ops@example.org>", "<night+shift@example.com>"}));
    EXPECT_EQ(mail.message, mail_message(alert(), options.from, options.to));
}

TEST_F(MailTest, RepliesOf5xxArePermanentAndOf4xxAreNot) {
    for (const std::string command : {"", "MAIL FROM", "RCPT TO", "DATA", "."}) {
        receiver.forget_script();
        receiver.script(command, "451 4.3.0 busy");
        DeliveryResult result = deliver();
        EXPECT_FALSE(result.delivered || result.permanent) << "at " << command;
        EXPECT_EQ(result.detail, "451 4.3.0 busy") << "at " << command;
        receiver.script(command, "554 5.7.1 never");
        result = deliver();
        EXPECT_FALSE(result.delivered) << "at " << command;
        EXPECT_TRUE(result.permanent) << "at " << command << ": " << result.detail;
        EXPECT_EQ(result.detail, "554 5.7.1 never") << "at " << command;
    }
    EXPECT_TRUE(receiver.mails().empty());
}

TEST_F(MailTest, OneReceiverWhoIsRefusedDoesNotKeepItFromTheOthers) {
    receiver.script("RCPT TO:<ops@example.org>", "550 no such user");
    const DeliveryResult result = deliver();
    EXPECT_TRUE(result.delivered);
    EXPECT_NE(result.detail.find("550 no such user"), std::string::npos) << result.detail;
    ASSERT_EQ(receiver.mails().size(), 1u);
    EXPECT_EQ(receiver.mails()[0].to, std::vector<std::string>{"<night+shift@example.com>"});
}

TEST_F(MailTest, WhereOneReceiverIsRefusedForNowAllAreTriedAgain) {
    receiver.script("RCPT TO:<ops@example.org>", "450 greylisted");
    receiver.script("RCPT TO:<night", "550 no such user");
    const DeliveryResult result = deliver();
    EXPECT_FALSE(result.delivered || result.permanent) << result.detail;
}

TEST_F(MailTest, AServerThatHangsIsLeftAfterTheTimeout) {
    options.total_timeout_ms = 150;
    receiver.script("RCPT TO", "hang");
    const DeliveryResult result = deliver();
    EXPECT_FALSE(result.delivered || result.permanent);
    EXPECT_NE(result.detail.find("timed out"), std::string::npos) << result.detail;
}

TEST_F(MailTest, InterruptEndsADeliveryAtOnce) {
    for (const std::string command : {"EHLO", "DATA"}) {
        receiver.forget_script();
        receiver.script(command, "hang");
        MailChannel channel(options, clock);
        DeliveryResult result;
        std::thread delivery([&] { result = channel.deliver(alert()); });
        EXPECT_TRUE(receiver.has_command(command));
        const auto begin = std::chrono::steady_clock::now();
        channel.interrupt();
        delivery.join();
        EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1)) << command;
        EXPECT_FALSE(result.delivered || result.permanent);
    }
}

TEST_F(MailTest, AMailThatAStopCutsShortIsNotPassedOffAsWhole) {
    receiver.script("DATA", "stall");
    Notification large = alert();
    large.text.assign(30'000'000, 'x');  // more than sockets hold
    MailChannel channel(options, clock);
    DeliveryResult result;
    std::thread delivery([&] { result = channel.deliver(large); });
    EXPECT_TRUE(receiver.has_command("DATA"));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    channel.interrupt();
    delivery.join();
    EXPECT_FALSE(result.delivered || result.permanent);
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    EXPECT_TRUE(receiver.mails().empty());
}

TEST_F(MailTest, WhatTheServerTookIsDeliveredThoughItDoesNotSayGoodbye) {
    receiver.script("QUIT", "hang");
    MailChannel channel(options, clock);
    DeliveryResult result;
    std::thread delivery([&] { result = channel.deliver(alert()); });
    EXPECT_TRUE(receiver.has_command("QUIT"));
    const auto begin = std::chrono::steady_clock::now();
    channel.interrupt();
    delivery.join();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(1'900));
    EXPECT_TRUE(result.delivered) << result.detail;
}

TEST_F(MailTest, WhereTlsIsRequiredNothingIsSentWithoutIt) {
    options.tls = MailOptions::Tls::kRequired;
    options.user = "penstock";
    options.password = "hunter2";
    const DeliveryResult result = deliver();
    EXPECT_FALSE(result.delivered || result.permanent) << result.detail;
    EXPECT_TRUE(receiver.mails().empty());
    for (const std::string& command : receiver.commands())
        EXPECT_TRUE(command.starts_with("EHLO") || command.starts_with("QUIT")) << command;
}

TEST_F(MailTest, StartTlsIsUsedWhereItIsOfferedAndChecked) {
    const LocalCertificate certificate;
    SmtpReceiver secure(SmtpReceiver::Tls::kOffered, &certificate);
    options.port = secure.port();
    options.host = "localhost";
    for (const auto tls : {MailOptions::Tls::kStartTls, MailOptions::Tls::kRequired}) {
        options.tls = tls;
        options.ca_file.clear();
        EXPECT_FALSE(deliver().delivered) << "an authority that is not trusted";
        options.ca_file = certificate.file();
        EXPECT_TRUE(deliver().delivered);
    }
    ASSERT_EQ(secure.mails().size(), 2u);
    EXPECT_TRUE(secure.mails()[0].tls && secure.mails()[1].tls);
    options.tls = MailOptions::Tls::kStartTls;
    options.port = receiver.port();
    EXPECT_TRUE(deliver().delivered) << "a server that does not offer it";
}

TEST_F(MailTest, ImplicitTlsAndALogin) {
    const LocalCertificate certificate;
    SmtpReceiver secure(SmtpReceiver::Tls::kImplicit, &certificate);
    options.port = secure.port();
    options.host = "localhost";
    options.tls = MailOptions::Tls::kImplicit;
    options.ca_file = certificate.file();
    options.user = "penstock";
    options.password = "hunter2";
    EXPECT_TRUE(deliver().delivered);
    EXPECT_TRUE(secure.has_command("AUTH PLAIN"));
    secure.script("AUTH", "535 5.7.8 wrong");
    const DeliveryResult refused = deliver();
    EXPECT_TRUE(refused.permanent) << refused.detail;
    EXPECT_EQ(refused.detail.find("hunter2"), std::string::npos);
}

TEST_F(MailTest, AddressesThatAreNoneAreNeverAccepted) {
    options.to = {"ops@example.org>\r\nRCPT TO:<all@example.org"};
    EXPECT_THROW(deliver(), std::invalid_argument);
    options.to = {};
    EXPECT_THROW(deliver(), std::invalid_argument);
}

}  // namespace
}  // namespace penstock::test
