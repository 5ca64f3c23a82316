// TLS from producer to page with the real program.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "admin/http/text.h"
#include "pipeline/clock.h"
#include "tests/support/appliance_process.h"
#include "tests/support/receiver.h"

namespace penstock::test {
namespace {

std::string events(int count) {
    std::string lines;
    for (int i = 0; i < count; ++i)
        lines +=
            fmt::format(R"({{"specversion":"1.0","id":"{}","source":"/s","type":"t","data":"{:a>200}"}})", i,
                        "") +
            "\n";
    return lines;
}

class Tls : public testing::Test {
  protected:
    void start(const std::string& backend = "auto") {
        appliance.set_arguments({"--set", "ingest.backend=" + backend, "--set",
                                 "ingest.tls_certificate=" + certificate.file(), "--set",
                                 "ingest.tls_key=" + certificate.key_file(), "--set",
                                 "http.tls_certificate=" + certificate.file(), "--set",
                                 "http.tls_key=" + certificate.key_file()});
        appliance.start();
    }
    CommandResult send(const std::string& file, const std::vector<std::string>& flags) const {
        std::vector<std::string> arguments{
            "send", file, "--to", fmt::format("localhost:{}", appliance.events_port()), "-o", "json"};
        arguments.insert(arguments.end(), flags.begin(), flags.end());
        return penstock(arguments);
    }
    CommandResult status(const std::vector<std::string>& flags) const {
        std::vector<std::string> arguments{"status", "-o", "json"};
        arguments.insert(arguments.end(), flags.begin(), flags.end());
        return penstock(arguments);
    }

    const LocalCertificate certificate;
    ApplianceProcess appliance{"[[region]]\nname = \"us\"\n"};
};

TEST_F(Tls, EventsComeByItInBothFormatsAndBackends) {
    for (const std::string backend : {"epoll", "io_uring"}) {
        start(backend);
        const TemporaryFile file("events.ndjson", events(20'000));
        const CommandResult lines = send(file.path(), {"--ca", certificate.file(), "--producer", backend});
        EXPECT_EQ(lines.exit_code, 0) << lines.err;
        EXPECT_NE(lines.out.find("\"acked\":20000"), std::string::npos) << lines.out;
        const CommandResult frames = send(file.path(), {"--ca", certificate.file(), "--tls", "--binary"});
        EXPECT_EQ(frames.exit_code, 0) << frames.err;
        EXPECT_NE(frames.out.find("\"duplicates\":20000"), std::string::npos) << frames.out;
        appliance.stop();
    }
}

TEST_F(Tls, WhoComesWithoutItOrBelievesAnotherIsToldWhy) {
    start();
    const TemporaryFile file("events.ndjson", events(10));
    for (const std::vector<std::string>& format : {std::vector<std::string>{}, {"--binary"}}) {
        const CommandResult plain = send(file.path(), format);
        EXPECT_EQ(plain.exit_code, 1) << plain.err;
        EXPECT_NE(plain.err.find("tls_required"), std::string::npos) << plain.err;
    }
    const LocalCertificate stranger;
    const CommandResult wrong = send(file.path(), {"--ca", stranger.file()});
    EXPECT_EQ(wrong.exit_code, 3);
    EXPECT_NE(wrong.err.find("certificate"), std::string::npos) << wrong.err;
    appliance.stop();
}

TEST_F(Tls, CommandsSpeakItToTheApi) {
    start();
    const std::string address = fmt::format("https://localhost:{}", appliance.http_port());
    EXPECT_EQ(status({"--from", address, "--ca", certificate.file()}).exit_code, 0);
    EXPECT_EQ(status({"--from", address}).exit_code, 3) << "a stranger's certificate";
    const CommandResult plain = status({"--from", fmt::format("localhost:{}", appliance.http_port())});
    EXPECT_EQ(plain.exit_code, 1);
    // As the configuration has it: that certificate and no other.
    const CommandResult own = penstock(
        {"alert", "list", "--set", fmt::format("http.listen=127.0.0.1:{}", appliance.http_port()), "--set",
         "http.tls_certificate=" + certificate.file(), "--set", "http.tls_key=" + certificate.key_file()});
    EXPECT_EQ(own.exit_code, 0) << own.err;
    appliance.stop();
}

TEST_F(Tls, ANewCertificateIsTakenWithoutARestart) {
    start();
    const LocalCertificate next;
    std::filesystem::copy_file(next.key_file(), certificate.key_file(),
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::copy_file(next.file(), certificate.file(),
                               std::filesystem::copy_options::overwrite_existing);
    const TemporaryFile file("events.ndjson", events(10));
    EXPECT_TRUE(eventually([&] { return send(file.path(), {"--ca", next.file()}).exit_code == 0; }))
        << appliance.log_text();
    EXPECT_EQ(
        status({"--from", fmt::format("https://localhost:{}", appliance.http_port()), "--ca", next.file()})
            .exit_code,
        0);
    appliance.stop();
}

TEST_F(Tls, BeyondLoopbackItIsAskedForOrAnExplicitWord) {
    for (const std::string section : {"ingest", "http"}) {
        appliance.set_arguments({"--set", section + ".listen=0.0.0.0:0"});
        appliance.launch();
        EXPECT_EQ(appliance.wait_end(), 2);
        EXPECT_NE(appliance.log_since_start().find(section + ".plain_text = \"everywhere\""),
                  std::string::npos)
            << appliance.log_since_start();
    }
    appliance.set_arguments({"--set", "ingest.listen=0.0.0.0:0", "--set", "ingest.plain_text=everywhere"});
    appliance.launch();
    EXPECT_TRUE(eventually([&] { return appliance.log_since_start().find("ready: ") != std::string::npos; }));
    appliance.stop();
}

}  // namespace
}  // namespace penstock::test
