// What a target is sent of an alert: for a program, and for a person at 3 in the morning.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "admin/appliance_alerts.h"

namespace penstock {
namespace {

namespace json = boost::json;

constexpr StampNs kThree = 1'769'828'400'000'000'000;  // 2026-01-31T03:00:00Z
constexpr int64_t kSecondNs = 1'000'000'000;

PendingNotice notice() {
    PendingNotice n;
    n.effect_id = 0x2a;
    n.target = "oncall";
    n.kind = "alert.firing";
    n.at_ns = kThree;
    n.alert = 0x1234;
    n.tenant = 1;
    n.workflow = "parcels";
    n.rule = "taken -> shipped";
    n.episode = 2;
    n.version = 7;
    n.severity = 4;
    n.open = 31;
    n.total = 40;
    n.first_deadline_ns = kThree - 60 * kSecondNs;
    n.last_deadline_ns = kThree - kSecondNs;
    n.began_ns = kThree - 10 * kSecondNs;
    return n;
}
const LogNames kNames{{"us"}, {"default", "acme"}};
const std::vector<std::string> kSubjects{"p-1", "p-2", "p-3", "p-4", "p-5", "p-6"};

TEST(AlertNotification, ThePayloadSaysWhatItIsAbout) {
    const Notification sent = notification_of(notice(), kNames, kSubjects);
    EXPECT_EQ(sent.effect_id, 0x2au);
    EXPECT_EQ(sent.channel, "oncall");
    EXPECT_EQ(sent.at_ns, kThree);
    EXPECT_EQ(json::parse(sent.json), json::parse(R"({
        "type": "alert.firing", "timestamp": "2026-01-31T03:00:00.000000000Z", "data": {
          "id": "ntf_000000000000002a", "kind": "alert.firing", "at": "2026-01-31T03:00:00.000000000Z",
          "alert": {"id": "0000000000001234", "tenant": "acme", "workflow": "parcels",
                    "rule": "taken -> shipped", "severity": 4, "state": "firing", "episode": 2, "version": 7,
                    "open": 31, "total": 40, "first_deadline": "2026-01-31T02:59:00.000000000Z",
                    "last_deadline": "2026-01-31T02:59:59.000000000Z"},
          "subjects": ["p-1","p-2","p-3","p-4","p-5","p-6"], "link": "/alerts/0000000000001234"}})"));
}

TEST(AlertNotification, TheMailSaysWhatIsWrongSinceWhenAndWhatToType) {
    const Notification sent = notification_of(notice(), kNames, kSubjects);
    EXPECT_EQ(sent.subject, "FIRING (severity 4) parcels: taken -> shipped: 31 overdue");
    EXPECT_EQ(sent.text,
              "taken -> shipped of workflow parcels did not happen in time: 31 are overdue now, 40 in all.\n"
              "The first deadline was 2026-01-31 02:59:00 UTC, the last 2026-01-31 02:59:59 UTC.\n"
              "Affected: p-2, p-3, p-4, p-5, p-6 and 26 more\n"
              "\n"
              "Tenant acme, severity 4, episode 2.\n"
              "\n"
              "Take it:     penstock alert ack 0000000000001234\n"
              "Look at it:  penstock alert show 0000000000001234\n");
}

TEST(AlertNotification, TheEndSaysWhatEndedItAndHowLongItTook) {
    PendingNotice n = notice();
    n.kind = "alert.resolved";
    n.state = AlertState::kResolved;
    n.end = AlertEnd::kClosed;
    n.reason = "camera was taken down";
    n.open = 0;
    n.began_ns = kThree - 7'260 * kSecondNs;
    const Notification sent = notification_of(n, kNames, {});
    EXPECT_EQ(sent.subject, "RESOLVED parcels: taken -> shipped");
    EXPECT_EQ(sent.text,
              "It is over: closed by a person.\n"
              "It took 2 h 1 min, from 2026-01-31 00:59:00 UTC to 2026-01-31 03:00:00 UTC.\n"
              "Note: camera was taken down\n"
              "\n"
              "Tenant acme, severity 4, episode 2.\n"
              "\n"
              "Look at it:  penstock alert show 0000000000001234\n");
    EXPECT_EQ(json::parse(sent.json).at("data").at("alert").at("cause"), "closed");
    EXPECT_EQ(json::parse(sent.json).at("data").at("reason"), "camera was taken down");
}

TEST(AlertNotification, OtherTroublesGroupsAndRunbooksAreSaid) {
    PendingNotice n = notice();
    n.trouble = "out_of_range";
    n.group = "market=XNYS";
    n.runbook = "https://wiki.example/x";
    n.kind = "alert.escalated";
    n.reason = "step 1 of night: nobody took it for 15m";
    Notification sent = notification_of(n, kNames, {});
    EXPECT_EQ(sent.subject,
              "ESCALATED, FIRING (severity 4) parcels: taken -> shipped [market=XNYS]: 31 out of range");
    EXPECT_EQ(sent.text,
              "taken -> shipped of workflow parcels left its bounds: 31 are out of range now, 40 in all.\n"
              "The first time was 2026-01-31 02:59:00 UTC, the last 2026-01-31 02:59:59 UTC.\n"
              "Why you are told: step 1 of night: nobody took it for 15m\n"
              "What to do: https://wiki.example/x\n"
              "\n"
              "Tenant acme, market=XNYS, severity 4, episode 2.\n"
              "\n"
              "Take it:     penstock alert ack 0000000000001234\n"
              "Look at it:  penstock alert show 0000000000001234\n");
    const json::value alert = json::parse(sent.json).at("data").at("alert");
    EXPECT_EQ(alert.at("group"), "market=XNYS");
    EXPECT_EQ(alert.at("trouble"), "out_of_range");
    EXPECT_EQ(alert.at("runbook"), "https://wiki.example/x");
    n.kind = "alert.flapping";
    n.state = AlertState::kResolved;
    sent = notification_of(n, kNames, {});
    EXPECT_EQ(sent.subject, "FLAPPING (severity 4) parcels: taken -> shipped [market=XNYS]");
    EXPECT_EQ(
        sent.text.find("It fires and resolves again and again; you are told when it is steady. Now it is "
                       "resolved.\n"),
        0u);
}

PendingNotice group_notice() {
    PendingNotice n;
    n.effect_id = 0x2a;
    n.target = "team";
    n.kind = "alert.group";
    n.at_ns = kThree;
    n.group_id = 0x90;
    n.group_key.by = kByTenant | kByWorkflow;
    n.group_key.tenant = 1;
    n.group_key.workflow = "parcels";
    n.severity = 4;
    n.firing = 61;
    n.resolved = 1;
    NoticeAlert a = notice();
    a.kind = "alert.firing";
    a.runbook = "https://wiki.example/x";
    n.alerts.push_back(a);
    a.alert = 0x5678;
    a.rule = "taken -> weighed";
    a.kind = "alert.resolved";
    a.reason = "the scale was mended";
    a.state = AlertState::kResolved;
    a.end = AlertEnd::kLate;
    a.open = 0;
    n.alerts.push_back(a);
    a = notice();
    a.kind.clear();
    a.alert = 0x9abc;
    n.alerts.push_back(a);
    return n;
}

TEST(AlertNotification, APayloadOfAGroupListsItsAlerts) {
    const Notification sent = group_notification_of(group_notice(), kNames, {{"p-1", "p-2"}, {"p-3"}, {}});
    EXPECT_EQ(sent.kind, "alert.group");
    EXPECT_EQ(sent.channel, "team");
    const json::value body = json::parse(sent.json);
    EXPECT_EQ(body.at("type"), "alert.group");
    const json::value& data = body.at("data");
    EXPECT_EQ(data.at("id"), "ntf_000000000000002a");
    EXPECT_EQ(data.at("group"),
              json::parse(R"({"id": "0000000000000090", "tenant": "acme", "workflow": "parcels"})"));
    EXPECT_EQ(data.at("counts"), json::parse(R"({"firing": 61, "acked": 0, "resolved": 1})"));
    EXPECT_EQ(data.at("link"), "/alerts");
    ASSERT_EQ(data.at("alerts").as_array().size(), 3u);
    EXPECT_EQ(data.at("alerts").as_array()[0], json::parse(R"({
        "id": "0000000000001234", "tenant": "acme", "workflow": "parcels", "rule": "taken -> shipped",
        "runbook": "https://wiki.example/x", "severity": 4, "state": "firing", "episode": 2, "version": 7,
        "open": 31, "total": 40, "first_deadline": "2026-01-31T02:59:00.000000000Z",
        "last_deadline": "2026-01-31T02:59:59.000000000Z", "kind": "alert.firing",
        "subjects": ["p-1", "p-2"], "link": "/alerts/0000000000001234"})"));
    EXPECT_EQ(data.at("alerts").as_array()[1].at("cause"), "late");
    EXPECT_EQ(data.at("alerts").as_array()[1].at("reason"), "the scale was mended");
    EXPECT_FALSE(data.at("alerts").as_array()[2].as_object().contains("kind"));
}

TEST(AlertNotification, AMailOfAGroupSaysWhatIsNewAndWhatFiresOn) {
    const Notification sent = group_notification_of(group_notice(), kNames, {{"p-1", "p-2"}, {"p-3"}, {}});
    EXPECT_EQ(sent.subject, "FIRING 61, RESOLVED 1 (severity 4): tenant acme, workflow parcels");
    EXPECT_EQ(sent.text,
              "61 firing, 0 acked, 1 resolved; tenant acme, workflow parcels.\n"
              "\n"
              "FIRING (severity 4) parcels: taken -> shipped: 31 overdue\n"
              "  Affected: p-1, p-2 and 29 more\n"
              "  What to do: https://wiki.example/x\n"
              "  penstock alert show 0000000000001234\n"
              "\n"
              "RESOLVED parcels: taken -> weighed\n"
              "  It is over: all events came; the last happened after its deadline.\n"
              "  Note: the scale was mended\n"
              "  Affected: p-3 and 39 more\n"
              "  penstock alert show 0000000000005678\n"
              "\n"
              "STILL FIRING (severity 4) parcels: taken -> shipped: 31 overdue\n"
              "  penstock alert show 0000000000009abc\n"
              "\n"
              "And 59 more: penstock alert list\n");
}

TEST(AlertNotification, TheBootRecordHasTheRules) {
    Config::Alerts alerts;
    alerts.inhibit.push_back({{"uplink", "", 4}, {"cameras", "", 0}, {"tenant"}});
    alerts.escalation.push_back({"night", {{900'000'000'000, {"phone"}}}, 0});
    EXPECT_EQ(json::parse(alert_rules_json(alerts)), json::parse(R"({
        "pending_ns": 10000000000, "flap_count": 6, "flap_window_ns": 900000000000,
        "inhibit": [{"source": {"workflow": "uplink", "rule": "", "severity_at_least": 4},
                     "target": {"workflow": "cameras", "rule": "", "severity_at_least": 0},
                     "equal": ["tenant"]}],
        "escalation": [{"name": "night", "steps": [{"after_ns": 900000000000, "targets": ["phone"]}],
                        "ack_timeout_ns": 0}]})"));
}

TEST(AlertNotification, TheBootRecordHasTheTargetsAndTheirFilters) {
    Config config;
    config.notify.targets.resize(2);
    config.notify.targets[0].name = "oncall";
    config.notify.targets[0].severity_at_least = 4;
    config.notify.targets[1].name = "acme";
    config.notify.targets[1].tenants = {"acme"};
    config.notify.targets[1].escalation_only = true;
    config.notify.targets[1].repeat_interval_s = 60;
    config.notify.targets[1].group_by = {"tenant"};
    config.notify.targets[1].group_wait_s = 30;
    config.notify.targets[1].group_interval_s = 60;
    EXPECT_EQ(
        alert_targets_json(config, kNames),
        R"([{"name":"oncall","severity_at_least":4,"tenants":[],"escalation_only":false,)"
        R"("repeat_ns":14400000000000,"group_by":[],"group_wait_ns":0,"group_interval_ns":300000000000},)"
        R"({"name":"acme","severity_at_least":0,"tenants":[1],"escalation_only":true,)"
        R"("repeat_ns":60000000000,"group_by":["tenant"],"group_wait_ns":30000000000,)"
        R"("group_interval_ns":60000000000}])");
}

}  // namespace
}  // namespace penstock
