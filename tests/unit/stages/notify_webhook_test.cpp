#include "stages/notify/webhook.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "stages/notify/address_rules.h"
#include "tests/support/http_receiver.h"
#include "tests/support/manual_clock.h"

namespace penstock::test {
namespace {

using Act = HttpReply::Act;

constexpr const char* kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr const char* kOlderSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

WebhookSecret secret(const char* text) { return parse_webhook_secret(text).value(); }

/// The same by OpenSSL, from the secret's text on.
std::string openssl_signature(std::string_view text, const std::string& content) {
    const std::string_view encoded = text.substr(6);
    std::vector<unsigned char> key(encoded.size());
    int bytes = EVP_DecodeBlock(key.data(), reinterpret_cast<const unsigned char*>(encoded.data()),
                                static_cast<int>(encoded.size()));
    for (size_t i = encoded.size(); i > 0 && encoded[i - 1] == '='; --i) --bytes;
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    HMAC(EVP_sha256(), key.data(), bytes, reinterpret_cast<const unsigned char*>(content.data()),
         content.size(), mac, &length);
    unsigned char encoded_mac[2 * EVP_MAX_MD_SIZE];
    EVP_EncodeBlock(encoded_mac, mac, static_cast<int>(length));
    return std::string("v1,") + reinterpret_cast<char*>(encoded_mac);
}

Notification alert(uint64_t id = 0x2a) {
    Notification n;
    n.effect_id = id;
    n.channel = "oncall";
    n.kind = "alert.firing";
    n.json = R"({"type":"alert.firing","data":{"rule":"Übersee"}})";
    return n;
}

/// Runs until stopped by `after`; true when that took less than a second.
bool ends_within_a_second(Channel& channel, DeliveryResult& result, const std::function<bool()>& after) {
    std::thread delivery([&] { result = channel.deliver(alert()); });
    const bool reached = after();
    const auto begin = std::chrono::steady_clock::now();
    channel.interrupt();
    delivery.join();
    return reached && std::chrono::steady_clock::now() - begin < std::chrono::seconds(1);
}

struct WebhookTest : testing::Test {
    ManualClock clock;
    HttpReceiver receiver;
    WebhookOptions options;
    WebhookTest() {
        options.url = receiver.url();
        options.secrets = {secret(kSecret)};
        options.allow_private = true;
    }
    DeliveryResult deliver(const Notification& n = alert()) {
        return WebhookChannel(options, clock).deliver(n);
    }
    DeliveryResult answered(HttpReply reply) {
        receiver.script(std::move(reply));
        return deliver();
    }
};

TEST(WebhookSignature, IsThatOfThePublishedExample) {
    EXPECT_EQ(webhook_signature({secret(kSecret)}, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                                R"({"test": 2432232314})"),
              "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(WebhookSignature, SecretsAreKeysOf24To64BytesInBase64) {
    EXPECT_TRUE(parse_webhook_secret(kSecret));
    for (const char* wrong :
         {"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZI",
          "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!",
          "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"})
        EXPECT_FALSE(parse_webhook_secret(wrong)) << wrong;
    EXPECT_FALSE(parse_webhook_secret("whsec_" + std::string(88, 'A')));  // 66 bytes
    const auto several = parse_webhook_secrets(std::string("# rotated in May\r\n") + kSecret + "\r\n\n  " +
                                               kOlderSecret + "  ");
    ASSERT_TRUE(several);
    EXPECT_EQ(*several, (std::vector{secret(kSecret), secret(kOlderSecret)}));
    EXPECT_FALSE(parse_webhook_secrets(std::string(kSecret) + "\nwhsec_oops"));
}

TEST_F(WebhookTest, PostsTheJsonSignedWithEverySecret) {
    options.secrets.push_back(secret(kOlderSecret));
    Notification n = alert();
    n.attempt = 2;
    const DeliveryResult result = deliver(n);
    EXPECT_TRUE(result.delivered);
    EXPECT_FALSE(result.permanent);
    EXPECT_EQ(result.detail, "HTTP 200");
    EXPECT_EQ(result.effect_id, 0x2au);
    EXPECT_EQ(result.channel, "oncall");
    EXPECT_EQ(result.attempt, 3u);
    ASSERT_EQ(receiver.posts().size(), 1u);
    const HttpPost post = receiver.posts()[0];
    EXPECT_EQ(post.method + " " + post.target, "POST /hook");
    EXPECT_EQ(post.body, n.json);
    EXPECT_EQ(post.header("content-type"), "application/json");
    EXPECT_EQ(post.header("webhook-id"), "ntf_000000000000002a");
    EXPECT_EQ(post.header("webhook-timestamp"), std::to_string(clock.wall_ns() / 1'000'000'000));
    const std::string content =
        post.header("webhook-id") + "." + post.header("webhook-timestamp") + "." + post.body;
    EXPECT_EQ(post.header("webhook-signature"),
              openssl_signature(kSecret, content) + " " + openssl_signature(kOlderSecret, content));
}

TEST_F(WebhookTest, ARepetitionHasTheSameIdAndANewTimestamp) {
    WebhookChannel channel(options, clock);
    channel.deliver(alert());
    clock.advance(5'000'000'000);
    channel.deliver(alert());
    const auto posts = receiver.posts();
    ASSERT_EQ(posts.size(), 2u);
    EXPECT_EQ(posts[0].header("webhook-id"), posts[1].header("webhook-id"));
    EXPECT_NE(posts[0].header("webhook-timestamp"), posts[1].header("webhook-timestamp"));
    EXPECT_EQ(receiver.connections(), 1);
}

TEST_F(WebhookTest, TheStatusSaysWhetherTryingAgainHelps) {
    for (const int status : {200, 201, 204, 299}) EXPECT_TRUE(answered({status}).delivered) << status;
    for (const int status : {400, 401, 404, 410, 422, 499}) {
        const DeliveryResult result = answered({status});
        EXPECT_FALSE(result.delivered) << status;
        EXPECT_TRUE(result.permanent) << status;
    }
    for (const int status : {301, 304, 408, 425, 429, 500, 502, 503, 599}) {
        const DeliveryResult result = answered({status});
        EXPECT_FALSE(result.delivered) << status;
        EXPECT_FALSE(result.permanent) << status;
    }
}

TEST_F(WebhookTest, RetryAfterIsHonouredUpToAnHour) {
    const auto seconds = [&](int status, const std::string& value) {
        return static_cast<double>(answered({status, "Retry-After: " + value + "\r\n"}).retry_after_ns) / 1e9;
    };
    EXPECT_EQ(seconds(429, "7"), 7);
    EXPECT_EQ(seconds(503, "120"), 120);
    EXPECT_EQ(seconds(429, "86400"), 3'600);
    EXPECT_EQ(seconds(429, "Fri, 01 Jan 2100 00:00:00 GMT"), 3'600);
    EXPECT_EQ(seconds(429, "Fri, 01 Jan 2010 00:00:00 GMT"), 0);
    EXPECT_EQ(seconds(429, "soon"), 0);
    EXPECT_EQ(seconds(500, "7"), 0);
    const time_t later = time(nullptr) + 90;
    char date[64];
    tm utc{};
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&later, &utc));
    EXPECT_NEAR(seconds(503, date), 90, 3);
}

TEST_F(WebhookTest, ARedirectIsNotFollowed) {
    HttpReceiver other;
    const DeliveryResult result = answered({307, "Location: " + other.url() + "\r\n"});
    EXPECT_FALSE(result.delivered);
    EXPECT_EQ(result.detail, "HTTP 307 (redirects are not followed)");
    EXPECT_EQ(other.connections(), 0);
}

TEST_F(WebhookTest, PrivateAddressesAreRefusedWhenTheyAreConnectedTo) {
    options.allow_private = false;
    for (const std::string host : {"127.0.0.1", "localhost", "2130706433", "0x7f.1", "0.0.0.0", "[::1]",
                                   "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254"}) {
        options.url = receiver.url("/hook", host);
        const DeliveryResult result = deliver();
        EXPECT_FALSE(result.delivered || result.permanent) << host;
        EXPECT_TRUE(result.detail.starts_with("refused: ")) << host << ": " << result.detail;
    }
    EXPECT_EQ(receiver.connections(), 0);
}

TEST_F(WebhookTest, PrivateAddressesAreReachedWhereThatIsConfigured) {
    options.url = receiver.url("/hook", "localhost");
    EXPECT_TRUE(deliver().delivered);
}

TEST_F(WebhookTest, AProxyOfTheEnvironmentIsNotUsed) {
    HttpReceiver proxy;
    for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) setenv(name, proxy.url("").c_str(), 1);
    const bool delivered = deliver().delivered;
    for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) unsetenv(name);
    EXPECT_TRUE(delivered);
    EXPECT_EQ(proxy.connections(), 0);
}

TEST_F(WebhookTest, OnlyTheAnswersBeginningIsKeptAndOnlyAsPrintableText) {
    EXPECT_EQ(answered({500, "", "no\r\n\x1b[31mdisk\xff \n"}).detail, "HTTP 500: no   [31mdisk");
    const std::string detail = answered({200, "", std::string(10'000, 'y')}).detail;
    EXPECT_EQ(detail, "HTTP 200: " + std::string(200, 'y'));
}

TEST_F(WebhookTest, AnAnswerWithoutEndIsCutAndItsStatusCounts) {
    EXPECT_TRUE(answered({202, "", "", 0, Act::kFloodBody}).delivered);
    EXPECT_TRUE(answered({410, "", "", 0, Act::kFloodBody}).permanent);
    const DeliveryResult result = answered({200, "", "", 0, Act::kFloodHeaders});
    EXPECT_FALSE(result.delivered || result.permanent);
}

TEST_F(WebhookTest, AConnectionThatEndsOrIsRefusedIsTriedAgain) {
    const DeliveryResult closed = answered({200, "", "", 0, Act::kClose});
    EXPECT_FALSE(closed.delivered || closed.permanent);
    EXPECT_FALSE(closed.detail.empty());
    uint16_t free_port = 0;
    {
        free_port = HttpReceiver().port();
    }
    options.url = "http://127.0.0.1:" + std::to_string(free_port) + "/";
    const DeliveryResult refused = deliver();
    EXPECT_FALSE(refused.delivered || refused.permanent);
    options.url = "http://nowhere.invalid/";
    const DeliveryResult unknown = deliver();
    EXPECT_FALSE(unknown.delivered || unknown.permanent);
    EXPECT_EQ(unknown.detail, "Could not resolve host: nowhere.invalid");
}

TEST_F(WebhookTest, AReceiverThatHangsIsLeftAfterTheTimeout) {
    options.total_timeout_ms = 150;
    const DeliveryResult result = answered({200, "", "", 0, Act::kHang});
    EXPECT_FALSE(result.delivered || result.permanent);
    EXPECT_NE(result.detail.find("timed out"), std::string::npos) << result.detail;
}

TEST_F(WebhookTest, InterruptEndsADeliveryAtOnceAndForGood) {
    receiver.script({200, "", "", 0, Act::kHang});
    WebhookChannel channel(options, clock);
    DeliveryResult result;
    EXPECT_TRUE(ends_within_a_second(channel, result, [&] { return receiver.has_posts(1); }));
    EXPECT_FALSE(result.delivered || result.permanent);
    EXPECT_EQ(result.detail, "stopped");
    EXPECT_EQ(channel.deliver(alert()).detail, "stopped");
    EXPECT_EQ(receiver.posts().size(), 1u);
}

TEST_F(WebhookTest, HttpsNeedsACertificateOfATrustedAuthorityForTheHost) {
    const LocalCertificate certificate;
    HttpReceiver secure(&certificate);
    options.url = secure.url("/hook", "localhost");
    const DeliveryResult untrusted = deliver();
    EXPECT_FALSE(untrusted.delivered || untrusted.permanent);
    EXPECT_NE(untrusted.detail.find("certificate"), std::string::npos) << untrusted.detail;
    options.ca_file = certificate.file();
    EXPECT_TRUE(deliver().delivered);
    options.url = secure.url("/hook", "127.0.0.1");
    EXPECT_FALSE(deliver().delivered);
    EXPECT_EQ(secure.posts().size(), 1u);
}

TEST_F(WebhookTest, OnlyHttpAndHttpsAreSpoken) {
    for (const char* url : {"file:///etc/passwd", "gopher://127.0.0.1/x", "ftp://127.0.0.1/x"}) {
        options.url = url;
        EXPECT_FALSE(deliver().delivered) << url;
        EXPECT_NE(webhook_url_fault(url, true), "") << url;
    }
}

TEST(WebhookUrl, FaultsAreFoundBeforeAnythingIsSent) {
    EXPECT_EQ(webhook_url_fault("https://hooks.example.org/a?token=b", false), "");
    EXPECT_EQ(webhook_url_fault("http://[2606:4700::1]/", false), "");
    EXPECT_EQ(webhook_url_fault("http://10.1.2.3/", true), "");
    for (const char* url : {"", "hooks.example.org/a", "https://", "https://a b/", "ftp://x/"})
        EXPECT_TRUE(webhook_url_fault(url, true).starts_with("is not a URL")) << url;
    EXPECT_TRUE(webhook_url_fault("https://u:p@x/", true).starts_with("holds a user"));
    EXPECT_TRUE(webhook_url_fault("http://10.1.2.3/", false).starts_with("leads to a private address"));
    EXPECT_TRUE(webhook_url_fault("http://0x7f000001/", false).starts_with("leads to a loopback address"));
    EXPECT_TRUE(webhook_url_fault("http://[fd00::1]/", false).starts_with("leads to a unique-local"));
    EXPECT_EQ(webhook_destination("https://hooks.example.org:8443/T0/secret"),
              "https://hooks.example.org:8443");
}

TEST(WebhookAddresses, OnlyThePublicInternetIsPublic) {
    const auto is_public = [](const char* text) {
        sockaddr_storage storage{};
        auto* in = reinterpret_cast<sockaddr_in*>(&storage);
        auto* in6 = reinterpret_cast<sockaddr_in6*>(&storage);
        storage.ss_family = inet_pton(AF_INET, text, &in->sin_addr) == 1 ? AF_INET : AF_INET6;
        if (storage.ss_family == AF_INET6) {
            EXPECT_EQ(inet_pton(AF_INET6, text, &in6->sin6_addr), 1) << text;
        }
        EXPECT_EQ(address_text(reinterpret_cast<sockaddr&>(storage)), text);
        return private_reason(reinterpret_cast<sockaddr&>(storage)).empty();
    };
    for (const char* text :
         {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255",
          "172.32.0.0", "192.167.255.255", "223.255.255.255", "2606:4700::1111", "2001:200::1", "2a00::1"})
        EXPECT_TRUE(is_public(text)) << text;
    for (const char* text :
         {"0.0.0.0",     "0.1.2.3",         "10.0.0.1",         "100.64.0.1",      "100.127.255.255",
          "127.0.0.1",   "127.255.255.254", "169.254.169.254",  "172.16.0.1",      "172.31.255.255",
          "192.0.0.1",   "192.0.2.1",       "192.168.1.1",      "198.18.0.1",      "198.19.255.255",
          "224.0.0.1",   "239.255.255.255", "240.0.0.1",        "255.255.255.255", "::",
          "::1",         "::ffff:8.8.8.8",  "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fe80::1",
          "febf::1",     "fec0::1",         "fc00::1",          "fdff::1",         "ff02::1",
          "2001:db8::1", "2001::1",         "2002:7f00:1::",    "3fff::1",         "4000::1"})
        EXPECT_FALSE(is_public(text)) << text;
    const sockaddr unknown{AF_UNIX, {}};
    EXPECT_FALSE(private_reason(unknown).empty());
}

}  // namespace
}  // namespace penstock::test
