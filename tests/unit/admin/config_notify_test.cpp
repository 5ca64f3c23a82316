#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "admin/appliance_notify.h"
#include "admin/config.h"

namespace penstock {
namespace {

const std::string kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

struct NotifyConfigTest : testing::Test {
    std::string folder, file;
    ConfigNotes notes;
    NotifyConfigTest() {
        std::string pattern = testing::TempDir() + "penstock-notify-XXXXXX";
        folder = mkdtemp(pattern.data());
        file = folder + "/penstock.toml";
    }
    ~NotifyConfigTest() override {
        for (const char* name : {"URL", "SECRETS", "PASSWORD"})
            for (const char* target : {"ON_CALL", "OPS", "MARS"})
                unsetenv(("PENSTOCK_NOTIFY_" + std::string(target) + "_" + name).c_str());
        std::filesystem::remove_all(folder);
    }
    void write(const std::string& name, const std::string& text, mode_t mode = 0640) const {
        std::ofstream(folder + "/" + name) << text;
        chmod((folder + "/" + name).c_str(), mode);
    }
    Config load(const std::string& text) {
        write("penstock.toml", text);
        return load_config(file, {}, &notes);
    }
    std::string faults(const std::string& text) {
        try {
            load(text);
        } catch (const ConfigError& e) {
            std::string what = e.what();
            for (size_t at; (at = what.find(folder)) != std::string::npos;)
                what.replace(at, folder.size(), "DIR");
            return what;
        }
        return "";
    }
};

TEST_F(NotifyConfigTest, ATargetMayTakeOnlySomeAlerts) {
    const std::string target =
        "[[notify.target]]\nname = \"a\"\nkind = \"webhook\"\nurl = \"https://hooks.example.org/\"\nsecrets "
        "= "
        "[\"" +
        kSecret + "\"]\n";
    const Config c = load(target + "severity_at_least = 4\ntenants = [\"default\"]\n");
    EXPECT_EQ(c.notify.targets.at(0).severity_at_least, 4u);
    EXPECT_EQ(c.notify.targets.at(0).tenants, std::vector<std::string>{"default"});
    EXPECT_EQ(load(target).notify.targets.at(0).severity_at_least, 0u);
    const std::string wrong = faults(target + "severity_at_least = 6\ntenants = [\"nobody\"]\n");
    EXPECT_NE(wrong.find("notify.target[0].severity_at_least"), std::string::npos) << wrong;
    EXPECT_NE(wrong.find("no tenant \"nobody\" is configured"), std::string::npos) << wrong;
}

TEST_F(NotifyConfigTest, ATargetMayGroup) {
    const std::string target =
        "[[notify.target]]\nname = \"a\"\nkind = \"webhook\"\nurl = \"https://hooks.example.org/\"\n"
        "secrets = [\"" +
        kSecret + "\"]\n";
    const Config c = load(target + "group_by = [\"tenant\", \"group\"]\ngroup_wait_s = 30\n");
    EXPECT_EQ(c.notify.targets.at(0).group_by, (std::vector<std::string>{"tenant", "group"}));
    EXPECT_EQ(c.notify.targets.at(0).group_wait_s, 30u);
    EXPECT_EQ(c.notify.targets.at(0).group_interval_s, 300u);
    EXPECT_TRUE(load(target).notify.targets.at(0).group_by.empty());
    EXPECT_EQ(
        faults(target + "group_by = [\"rule\"]\n"),
        "DIR/penstock.toml:6: notify.target[0].group_by: \"rule\" is not known; write tenant, workflow, "
        "severity or group");
    EXPECT_EQ(
        faults(target + "group_wait_s = 30\n"),
        "DIR/penstock.toml:6: notify.target[0].group_wait_s: has no use without group_by; give that, or "
        "take this out");
}

TEST_F(NotifyConfigTest, TargetsBecomeChannels) {
    write("oncall.secret", "# new\n" + kSecret + "\n");
    write("smtp.password", "hunter2\n");
    const Config c = load(
        "[[notify.target]]\nname = \"on-call\"\nkind = \"webhook\"\nurl = "
        "\"https://hooks.example.org/T/token\"\n"
        "secret_file = \"oncall.secret\"\n"
        "[[notify.target]]\nname = \"ops\"\nkind = \"mail\"\nhost = \"smtp.example.org\"\nfrom = "
        "\"p@example.org\"\n"
        "to = [\"a@example.org\", \"b@example.org\"]\nuser = \"p\"\npassword_file = \"smtp.password\"\n");
    SystemClock clock;
    const auto targets = make_notify_targets(c, clock);
    ASSERT_EQ(targets.size(), 2u);
    EXPECT_EQ(targets[0].name, "on-call");
    EXPECT_EQ(targets[0].channel->destination(), "https://hooks.example.org");
    EXPECT_EQ(targets[1].channel->destination(), "mail by smtp.example.org:587");
    EXPECT_TRUE(notes.warnings.empty());
    const auto shown = [&](const std::string& key) {
        for (const auto& s : notes.settings)
            if (s.key == key) return s.value;
        return std::string("?");
    };
    EXPECT_EQ(shown("notify.on-call"), "webhook to https://hooks.example.org");
    EXPECT_EQ(shown("notify.ops"), "mail by smtp.example.org to 2 addresses");
}

TEST_F(NotifyConfigTest, TheEnvironmentWinsOverTheFile) {
    setenv("PENSTOCK_NOTIFY_ON_CALL_URL", "https://b.example.org/", 1);
    setenv("PENSTOCK_NOTIFY_ON_CALL_SECRETS", (kSecret + "," + kSecret).c_str(), 1);
    setenv("PENSTOCK_NOTIFY_OPS_PASSWORD", "hunter2", 1);
    const Config c = load(
        "[[notify.target]]\nname = \"on-call\"\nkind = \"webhook\"\nurl = \"https://a.example.org/\"\n"
        "secret_file = \"nothing\"\n"
        "[[notify.target]]\nname = \"ops\"\nkind = \"mail\"\nhost = \"h\"\nfrom = \"p@x\"\nto = "
        "[\"a@x\"]\nuser = "
        "\"u\"\n");
    EXPECT_EQ(c.notify.targets[0].url, "https://b.example.org/");
    EXPECT_EQ(c.notify.targets[0].secrets.size(), 2u);
    EXPECT_EQ(c.notify.targets[1].password, "hunter2");
    EXPECT_TRUE(notes.warnings.empty());
}

TEST_F(NotifyConfigTest, AVariableOfATargetThatIsNotConfiguredIsAFault) {
    setenv("PENSTOCK_NOTIFY_MARS_URL", "https://x/", 1);
    EXPECT_EQ(faults(""),
              "PENSTOCK_NOTIFY_MARS_URL: notify.target: no target \"MARS\" is configured; add a "
              "[[notify.target]] of this name");
}

TEST_F(NotifyConfigTest, FaultsOfWebhooks) {
    write("empty.secret", "# none\n");
    EXPECT_EQ(
        faults("[[notify.target]]\n"
               "name = \"On call\"\n"
               "kind = \"pager\"\n"
               "[[notify.target]]\n"
               "name = \"a\"\n"
               "kind = \"webhook\"\n"
               "host = \"h\"\n"
               "[[notify.target]]\n"
               "name = \"a\"\n"
               "kind = \"webhook\"\n"
               "url = \"http://127.0.0.1/\"\n"
               "secret_file = \"empty.secret\"\n"
               "allow_private = \"yes\"\n"
               "[[notify.target]]\n"
               "name = \"b\"\n"
               "kind = \"webhook\"\n"
               "url = \"hooks/token1\"\n"
               "secrets = [\"" +
               kSecret +
               "\", \"hunter2\"]\n"
               "[[notify.target]]\n"
               "name = \"c\"\n"
               "kind = \"webhook\"\n"
               "url = \"https://h/\"\n"
               "secret_file = \"nothing\"\n"
               "ca_file = \"no.pem\"\n"
               "secret = \"x\"\n"),
        "DIR/penstock.toml:2: notify.target[0].name: \"On call\" is not a name; use 1 to 64 lower case "
        "letters, digits, _ and -, beginning with a letter or digit\n"
        "DIR/penstock.toml:3: notify.target[0].kind: \"pager\" is not known; write webhook or mail\n"
        "DIR/penstock.toml:4: notify.target[1].url: is missing; a webhook needs it\n"
        "DIR/penstock.toml:4: notify.target[1].secrets: is missing; a webhook needs secret_file or secrets; "
        "make one with: echo whsec_$(openssl rand -base64 32)\n"
        "DIR/penstock.toml:7: notify.target[1].host: belongs to kind = \"mail\"; this target is of kind "
        "\"webhook\"\n"
        "DIR/penstock.toml:9: notify.target[2].name: \"a\" is taken at DIR/penstock.toml:5; give it another "
        "name (_ and - count as the same)\n"
        "DIR/penstock.toml:11: notify.target[2].url: leads to a loopback address; write allow_private = true "
        "where that is meant\n"
        "DIR/penstock.toml:12: notify.target[2].secret_file: DIR/empty.secret must hold a secret a line, "
        "\"whsec_\" and the base64 of 24 to 64 bytes; make one with: echo whsec_$(openssl rand -base64 32)\n"
        "DIR/penstock.toml:13: notify.target[2].allow_private: must be true or false, without quotes\n"
        "DIR/penstock.toml:17: notify.target[3].url: is not a URL that can be posted to; write "
        "https://host/path (or http://)\n"
        "DIR/penstock.toml:18: notify.target[3].secrets: number 2 is not \"whsec_\" and the base64 of 24 to "
        "64 bytes; make one with: echo whsec_$(openssl rand -base64 32)\n"
        "DIR/penstock.toml:23: notify.target[4].secret_file: cannot read DIR/nothing: No such file or "
        "directory\n"
        "DIR/penstock.toml:24: notify.target[4].ca_file: cannot read DIR/no.pem: No such file or directory\n"
        "DIR/penstock.toml:25: notify.target.secret: unknown key; did you mean secrets?");
}

TEST_F(NotifyConfigTest, FaultsOfMail) {
    EXPECT_EQ(
        faults("[[notify.target]]\n"
               "name = \"a\"\n"
               "kind = \"mail\"\n"
               "host = \"smtp.example.org:25\"\n"
               "port = 70000\n"
               "tls = \"yes\"\n"
               "from = \"Penstock <p@example.org>\"\n"
               "to = [\"ok@example.org\", \"a@b\\r\\nBcc: c@d\"]\n"
               "url = \"http://x/\"\n"
               "[[notify.target]]\n"
               "name = \"b\"\n"
               "kind = \"mail\"\n"
               "[[notify.target]]\n"
               "name = \"c\"\n"
               "kind = \"mail\"\n"
               "host = \"smtp/example\"\n"
               "from = \"a@b\"\n"
               "to = [\"a@b\"]\n"
               "tls = \"starttls\"\n"
               "password = \"hunter2\"\n"),
        "DIR/penstock.toml:4: notify.target[0].host: is not a host name or an IP address; the port has a key "
        "of its own\n"
        "DIR/penstock.toml:5: notify.target[0].port: must be an integer of 1 to 65535\n"
        "DIR/penstock.toml:6: notify.target[0].tls: \"yes\" is not known; write none, starttls, required or "
        "implicit\n"
        "DIR/penstock.toml:7: notify.target[0].from: is not a mail address; write plain addresses, "
        "name@domain\n"
        "DIR/penstock.toml:8: notify.target[0].to: number 2 is not a mail address; write plain addresses, "
        "name@domain\n"
        "DIR/penstock.toml:9: notify.target[0].url: belongs to kind = \"webhook\"; this target is of kind "
        "\"mail\"\n"
        "DIR/penstock.toml:10: notify.target[1].host: is missing; mail needs it\n"
        "DIR/penstock.toml:10: notify.target[1].from: is missing; mail needs it\n"
        "DIR/penstock.toml:10: notify.target[1].to: is missing; mail needs at least one address\n"
        "DIR/penstock.toml:13: notify.target[2].user: is missing; a password needs it\n"
        "DIR/penstock.toml:16: notify.target[2].host: is not a host name or an IP address; the port has a "
        "key "
        "of its own\n"
        "DIR/penstock.toml:19: notify.target[2].tls: \"starttls\" may send the password readable by others; "
        "write required or implicit");
}

TEST_F(NotifyConfigTest, AtMostSixteenTargetsAndOnlyTargets) {
    std::string text;
    for (int i = 0; i < 17; ++i)
        text += "[[notify.target]]\nname = \"t" + std::to_string(i) +
                "\"\nkind = \"webhook\"\nurl = \"https://h/\"\nsecrets = [\"" + kSecret + "\"]\n";
    EXPECT_EQ(faults(text), "DIR/penstock.toml:82: notify.target: 17 are configured; have at most 16");
    EXPECT_EQ(faults("[notify]\ntargets = 1\n"),
              "DIR/penstock.toml:2: notify.targets: unknown key; did you mean target?");
    EXPECT_EQ(faults("notify = 1\n"),
              "DIR/penstock.toml:1: notify: must be given as [[notify.target]] sections");
}

TEST_F(NotifyConfigTest, SecretsThatEveryoneMayReadAreAWarningAndNeverShown) {
    const std::string text =
        "[[notify.target]]\nname = \"a\"\nkind = \"webhook\"\nurl = \"https://h/token1\"\nsecrets = [\"" +
        kSecret +
        "\"]\n[[notify.target]]\nname = \"b\"\nkind = \"webhook\"\nurl = \"https://h/\"\nsecret_file = "
        "\"s\"\n[[notify.target]]\nname = \"c\"\nkind = \"mail\"\nhost = \"h\"\nfrom = \"a@b\"\nto = "
        "[\"a@b\"]\n"
        "user = \"u\"\npassword = \"hunter2\"\n";
    write("s", kSecret, 0644);
    write("penstock.toml", text, 0644);
    std::ofstream(file) << text;
    load_config(file, {}, &notes);
    ASSERT_EQ(notes.warnings.size(), 3u);
    std::string all;
    for (const std::string& warning : notes.warnings) all += warning + "\n";
    for (const auto& s : notes.settings) all += s.value + "\n";
    EXPECT_NE(all.find(":5: notify.target[0].secrets: holds secrets and every user"), std::string::npos)
        << all;
    EXPECT_NE(all.find("notify.target[1].secret_file: every user of this host may read"), std::string::npos);
    EXPECT_NE(all.find("notify.target[2].password: holds a password"), std::string::npos);
    for (const char* secret : {"MfKQ", "hunter2", "token1"}) EXPECT_EQ(all.find(secret), std::string::npos);
}

TEST_F(NotifyConfigTest, LaddersAndWhatHidesWhatAreRead) {
    const std::string target =
        "[[notify.target]]\nname = \"phone\"\nkind = \"webhook\"\nurl = \"https://h/\"\nescalation_only = "
        "true\nrepeat_interval_s = 600\nsecrets = [\"" +
        kSecret + "\"]\n";
    const Config c =
        load(target +
             "[alerts]\npending_s = 30\nflap_count = 0\n"
             "[[alerts.inhibit]]\nsource = { workflow = \"uplink\", severity_at_least = 4 }\n"
             "target = { rule = \"r\" }\nequal = [\"tenant\", \"group\"]\n"
             "[[alerts.escalation]]\nname = \"night\"\nack_timeout = \"2h\"\n"
             "steps = [{ after = \"15m\", targets = [\"phone\"] }, { after = \"PT1H\", targets = "
             "[\"phone\"] }]\n");
    EXPECT_EQ(c.alerts.pending_s, 30u);
    EXPECT_EQ(c.alerts.inhibit.at(0).source.severity_at_least, 4u);
    EXPECT_EQ(c.alerts.inhibit.at(0).target.rule, "r");
    EXPECT_EQ(c.alerts.inhibit.at(0).equal, (std::vector<std::string>{"tenant", "group"}));
    EXPECT_EQ(c.alerts.escalation.at(0).steps.at(1).after_ns, 3'600'000'000'000);
    EXPECT_EQ(c.alerts.escalation.at(0).ack_timeout_ns, 7'200'000'000'000);
    EXPECT_TRUE(c.notify.targets.at(0).escalation_only);
    EXPECT_EQ(c.notify.targets.at(0).repeat_interval_s, 600u);
    EXPECT_TRUE(notes.warnings.empty());
    load(target);
    ASSERT_EQ(notes.warnings.size(), 1u);
    EXPECT_NE(notes.warnings[0].find("no ladder names this target"), std::string::npos);
}

TEST_F(NotifyConfigTest, FaultsOfLaddersAndOfWhatHidesWhat) {
    EXPECT_EQ(
        faults("[[alerts.inhibit]]\n"
               "source = { workflw = \"a\" }\n"
               "target = 7\n"
               "equal = [\"colour\"]\n"
               "[[alerts.escalation]]\n"
               "name = \"Night\"\n"
               "ack_timeout = \"soon\"\n"
               "steps = [{ after = \"1h\", targets = [\"phone\"] }, { after = \"15m\", targets = [] }]\n"
               "[[alerts.escalation]]\n"
               "name = \"b\"\n"
               "steps = []\n"),
        "DIR/penstock.toml:2: alerts.inhibit[0].source.workflw: unknown key; did you mean workflow?\n"
        "DIR/penstock.toml:3: alerts.inhibit[0].target: must say what it matches; write for example { "
        "workflow = \"uplink\", severity_at_least = 4 }\n"
        "DIR/penstock.toml:4: alerts.inhibit[0].equal: \"colour\" is not known; write tenant, workflow or "
        "group\n"
        "DIR/penstock.toml:6: alerts.escalation[0].name: \"Night\" is not a name; use 1 to 64 lower case "
        "letters, digits, _ and -, beginning with a letter or digit\n"
        "DIR/penstock.toml:7: alerts.escalation[0].ack_timeout: must be a duration of at most 30d; write for "
        "example \"15m\"\n"
        "DIR/penstock.toml:8: alerts.escalation[0].steps[1].after: is not after the step before it; write "
        "the "
        "steps in order\n"
        "DIR/penstock.toml:8: alerts.escalation[0].steps[1].targets: is missing or empty; name at least one "
        "[[notify.target]]\n"
        "DIR/penstock.toml:8: alerts.escalation[0].steps[0].targets: no target \"phone\" is configured; add "
        "a "
        "[[notify.target]] of this name\n"
        "DIR/penstock.toml:11: alerts.escalation[1].steps: must be a list of 1 to 20 steps; write [{ after = "
        "\"15m\", targets = [\"phone\"] }]");
}

}  // namespace
}  // namespace penstock
