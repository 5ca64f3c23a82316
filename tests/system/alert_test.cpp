// From a missed deadline to a person outside, with the real program and a real receiver.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <set>

#include "admin/http/text.h"
#include "pipeline/clock.h"
#include "stages/notify/signature.h"
#include "tests/support/appliance_process.h"
#include "tests/support/http_receiver.h"

namespace penstock::test {
namespace {

namespace json = boost::json;

constexpr const char* kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

class Alerts : public testing::Test {
  protected:
    /// `more` stands before the target, `of_target` in it.
    void start(const std::string& more = "", const std::string& of_target = "") {
        appliance.set_config(fmt::format(
            "{}[sla]\nworkflows = [\"{}\"]\n[[notify.target]]\nname = \"oncall\"\nkind = \"webhook\"\nurl = "
            "\"{}\"\nsecrets = [\"{}\"]\nallow_private = true\n{}",
            more, workflow.path(), receiver.url(), kSecret, of_target));
        appliance.start();
    }
    void send(const std::string& id, const std::string& type) {
        const TemporaryFile file(
            "events.ndjson",
            fmt::format(
                R"({{"specversion":"1.0","id":"{}","source":"/s","type":"{}","subject":"parcel-7","time":"{}"}})",
                id, type, http::rfc3339(SystemClock().wall_ns())) +
                "\n");
        const CommandResult sent = penstock({"send", file.path(), "--to", appliance.events()});
        ASSERT_EQ(sent.exit_code, 0) << sent.err;
    }
    CommandResult run(std::vector<std::string> arguments) const {
        arguments.insert(arguments.end(),
                         {"--server", fmt::format("127.0.0.1:{}", appliance.http_port()), "-o", "json"});
        return penstock(arguments);
    }
    json::value alert(const std::string& rule) const {
        const json::value list = json::parse(appliance.get("/api/v1/alerts"));
        for (const json::value& item : list.at("items").as_array())
            if (item.at("rule").as_string() == rule)
                return json::parse(appliance.get("/api/v1/alerts/" + std::string(item.at("id").as_string())));
        return {};
    }
    /// Every notification of the alert has this state.
    bool all_are(const std::string& rule, std::string_view state) const {
        const json::value a = alert(rule);
        if (!a.is_object() || a.at("notifications").as_array().empty()) return false;
        for (const json::value& n : a.at("notifications").as_array())
            if (n.at("state").as_string() != state) return false;
        return true;
    }
    /// Signed by the secret, under an id of its own.
    json::value checked(const HttpPost& post) {
        const std::string& id = post.header("webhook-id");
        EXPECT_EQ(post.header("webhook-signature"),
                  webhook_signature({parse_webhook_secret(kSecret).value()}, id,
                                    std::stoll(post.header("webhook-timestamp")), post.body));
        EXPECT_TRUE(ids.insert(id).second) << id << " came twice";
        return json::parse(post.body);
    }

    const TemporaryFile workflow{
        "w.json",
        R"({"name":"parcels","key":"subject","edges":[{"from":"taken","to":"shipped","within_ms":300},)"
        R"({"from":"taken","to":"weighed","within_ms":300}]})"};
    HttpReceiver receiver;
    ApplianceProcess appliance;
    std::set<std::string> ids;
};

TEST_F(Alerts, AMissedDeadlineIsToldOnceAlsoThroughKill9AndItsEndIsToldAndWhatIsSilencedIsOnlyKept) {
    start();
    const CommandResult silenced = run({"silence", "add", "--rule", "taken -> weighed", "--for", "1h",
                                        "--owner", "bob", "--reason", "the scale is broken"});
    ASSERT_EQ(silenced.exit_code, 0) << silenced.err;
    send("1", "taken");
    ASSERT_TRUE(eventually([&] { return alert("taken -> shipped").is_object(); })) << appliance.log_text();
    // After the wait for more of the same.
    ASSERT_TRUE(eventually([&] { return receiver.posts().size() == 1; }, 30)) << appliance.log_text();
    const json::value firing = checked(receiver.posts()[0]);
    EXPECT_EQ(firing.at("type"), "alert.firing");
    const json::value& data = firing.at("data");
    EXPECT_EQ(data.at("alert").at("rule"), "taken -> shipped");
    EXPECT_EQ(data.at("alert").at("state"), "firing");
    EXPECT_EQ(data.at("alert").at("open"), 1);
    EXPECT_EQ(data.at("subjects"), (json::array{"parcel-7"}));
    const std::string id(data.at("alert").at("id").as_string());
    EXPECT_EQ(data.at("link").as_string(), "/alerts/" + id);
    ASSERT_TRUE(eventually([&] { return all_are("taken -> shipped", "delivered"); }));

    const CommandResult acked = run({"alert", "ack", id, "--by", "ann", "--note", "on it"});
    ASSERT_EQ(acked.exit_code, 0) << acked.err;
    EXPECT_EQ(run({"alert", "ack", id}).exit_code, 1);  // it is

    appliance.kill9();
    appliance.start();
    json::value now = alert("taken -> shipped");
    EXPECT_EQ(now.at("state"), "acked");
    EXPECT_EQ(now.at("acked_by"), "ann");
    sleep_ms(1'000);
    EXPECT_EQ(receiver.posts().size(), 1u);  // it was confirmed

    send("2", "shipped");
    ASSERT_TRUE(eventually([&] { return receiver.posts().size() == 2; })) << appliance.log_text();
    const json::value resolved = checked(receiver.posts()[1]);
    EXPECT_EQ(resolved.at("type"), "alert.resolved");
    EXPECT_EQ(resolved.at("data").at("alert").at("cause"), "late");

    const json::value kept = alert("taken -> weighed");
    EXPECT_EQ(kept.at("state"), "firing");
    EXPECT_TRUE(kept.at("notifications").as_array().empty());
    bool said = false;
    for (const json::value& step : kept.at("history").as_array())
        if (step.at("step") == "not_sent" && step.as_object().contains("note"))
            said = said || step.at("note").as_string().find("the scale is broken") != json::string::npos;
    EXPECT_TRUE(said) << json::serialize(kept);

    ASSERT_TRUE(eventually([&] { return all_are("taken -> shipped", "delivered"); }));
    appliance.stop();
    const CommandResult verified = penstock({"log", "verify", "--data-dir", appliance.data_dir()});
    EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
    EXPECT_NE((verified.out + verified.err).find("is what its records make"), std::string::npos)
        << verified.out << verified.err;
}

TEST_F(Alerts, WhatNobodyConfirmedIsSentAgainAfterKill9UnderTheSameId) {
    receiver.script({.act = HttpReply::Act::kHang});
    start();
    send("1", "taken");
    ASSERT_TRUE(eventually([&] { return receiver.posts().size() >= 1; }, 30)) << appliance.log_text();
    appliance.kill9();
    const std::string first = receiver.posts()[0].header("webhook-id");
    appliance.start();
    ASSERT_TRUE(eventually(
        [&] {
            size_t same = 0;
            for (const HttpPost& post : receiver.posts()) same += post.header("webhook-id") == first;
            return same >= 2;
        },
        30))
        << appliance.log_text();
    ASSERT_TRUE(eventually([&] {
        return all_are("taken -> shipped", "delivered") && all_are("taken -> weighed", "delivered");
    }));
}

TEST_F(Alerts, MaintenanceHoldsBackAlsoThroughKill9AndBehindItOneAlertStillHidesTheOther) {
    start(
        "[alerts]\npending_s = 1\n[[alerts.inhibit]]\nsource = { rule = \"taken -> shipped\" }\n"
        "target = { rule = \"taken -> weighed\" }\nequal = [\"tenant\", \"workflow\"]\n");
    const CommandResult added =
        run({"maintenance", "add", "--workflow", "parcels", "--for", "1h", "--owner", "bob", "--reason",
             "new scale", "--schedule", R"({"zone":"Asia/Tokyo","cron":"* * * * *"})"});
    ASSERT_EQ(added.exit_code, 0) << added.err;
    const json::value window = json::parse(added.out);
    EXPECT_EQ(window.at("state"), "active");
    EXPECT_NE(run({"maintenance", "add", "--workflow", "parcels", "--reason", "no end"}).exit_code, 0);
    send("1", "taken");
    const auto firing = [&] {
        for (const char* rule : {"taken -> shipped", "taken -> weighed"})
            if (const json::value a = alert(rule); !a.is_object() || a.at("state") != "firing") return false;
        return true;
    };
    ASSERT_TRUE(eventually(firing, 30)) << appliance.log_text();
    appliance.kill9();
    appliance.start();
    ASSERT_TRUE(eventually(firing));
    EXPECT_EQ(alert("taken -> shipped").at("maintenance"), window.at("id"));
    EXPECT_TRUE(receiver.posts().empty());

    const CommandResult ended =
        run({"maintenance", "end", std::to_string(window.at("id").to_number<uint64_t>()), "--by", "ann"});
    ASSERT_EQ(ended.exit_code, 0) << ended.err;
    ASSERT_TRUE(eventually([&] { return receiver.posts().size() == 1; }, 30)) << appliance.log_text();
    const json::value told = checked(receiver.posts()[0]);
    EXPECT_EQ(told.at("type"), "maintenance.ended");
    EXPECT_EQ(told.at("data").at("alert").at("rule"), "taken -> shipped");
    EXPECT_EQ(told.at("data").at("reason"), "the maintenance of bob was ended by ann: new scale");
    EXPECT_EQ(alert("taken -> weighed").at("inhibited_by"), alert("taken -> shipped").at("id"));

    send("2", "shipped");
    ASSERT_TRUE(eventually([&] { return receiver.posts().size() == 3; }, 30)) << appliance.log_text();
    EXPECT_EQ(checked(receiver.posts()[1]).at("type"), "alert.resolved");
    const json::value shown = checked(receiver.posts()[2]);
    EXPECT_EQ(shown.at("type"), "inhibition.ended");
    EXPECT_EQ(shown.at("data").at("alert").at("rule"), "taken -> weighed");
    appliance.stop();
    const CommandResult verified = penstock({"log", "verify", "--data-dir", appliance.data_dir()});
    EXPECT_NE((verified.out + verified.err).find("is what its records make"), std::string::npos)
        << verified.out << verified.err;
}

TEST_F(Alerts, AGroupIsOneNotificationAlsoThroughKill9) {
    start("[alerts]\npending_s = 1\n", "group_by = [\"workflow\"]\ngroup_wait_s = 2\ngroup_interval_s = 1\n");
    send("1", "taken");
    const auto waits = [&] {
        for (const char* rule : {"taken -> shipped", "taken -> weighed"}) {
            const json::value a = alert(rule);
            if (!a.is_object() || json::serialize(a).find("\"grouped\"") == std::string::npos) return false;
        }
        return true;
    };
    ASSERT_TRUE(eventually(waits, 30)) << appliance.log_text();
    appliance.kill9();
    EXPECT_TRUE(receiver.posts().size() <= 1);
    appliance.start();
    ASSERT_TRUE(eventually([&] { return receiver.posts().size() >= 1; }, 30)) << appliance.log_text();
    const json::value firing = checked(receiver.posts()[0]);
    EXPECT_EQ(firing.at("type"), "alert.group");
    EXPECT_EQ(firing.at("data").at("group").at("workflow"), "parcels");
    EXPECT_EQ(firing.at("data").at("counts"), json::parse(R"({"firing":2,"acked":0,"resolved":0})"));
    for (const json::value& a : firing.at("data").at("alerts").as_array()) {
        EXPECT_EQ(a.at("kind"), "alert.firing");
        EXPECT_EQ(a.at("subjects"), (json::array{"parcel-7"}));
    }
    ASSERT_TRUE(eventually([&] {
        return all_are("taken -> shipped", "delivered") && all_are("taken -> weighed", "delivered");
    }));

    send("2", "shipped");
    send("3", "weighed");
    const auto resolved = [&] {
        int64_t count = 0;
        for (const HttpPost& post : receiver.posts())
            count += json::parse(post.body).at("data").at("counts").at("resolved").to_number<int64_t>();
        return count;
    };
    ASSERT_TRUE(eventually([&] { return resolved() == 2; }, 30)) << appliance.log_text();
    appliance.stop();
    const CommandResult verified = penstock({"log", "verify", "--data-dir", appliance.data_dir()});
    EXPECT_NE((verified.out + verified.err).find("is what its records make"), std::string::npos)
        << verified.out << verified.err;
}

}  // namespace
}  // namespace penstock::test
