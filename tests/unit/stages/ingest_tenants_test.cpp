// Tenants that come, change and go while connections are served.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "pipeline/api_key.h"
#include "tests/support/ingest_rig.h"

namespace penstock::test {
namespace {

std::string hello(const std::string& tenant, const std::string& key) {
    return fmt::format("{{\"penstock\":\"hello\",\"tenant\":\"{}\",\"key\":\"{}\"}}\n", tenant, key);
}

class IngestTenants : public testing::TestWithParam<const char*> {
  protected:
    Ingest::Tenant acme(std::vector<std::string> keys) const {
        Ingest::Tenant t{"acme", 7, hash_api_key(keys.at(0))};
        for (size_t i = 1; i < keys.size(); ++i) t.other_keys.push_back(hash_api_key(keys[i]));
        return t;
    }
    IngestRig rig{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Backends, IngestTenants, testing::Values("epoll", "io_uring"),
                         [](const auto& backend) { return std::string(backend.param); });

TEST_P(IngestTenants, ANewTenantIsServedAtOnce) {
    Peer before(rig);
    before.send(hello("acme", "k1"));
    EXPECT_TRUE(before.answered("unknown_tenant"));
    rig.ingest->set_tenant(acme({"k1"}));
    Peer after(rig);
    after.send(hello("acme", "k1") + "event\n");
    EXPECT_TRUE(after.answered("\"acked\":1")) << after.receive();
    Peer wrong(rig);
    wrong.send(hello("acme", "k2"));
    EXPECT_TRUE(wrong.answered("bad_key"));
}

TEST_P(IngestTenants, AKeyThatIsRotatedOutEndsTheConnectionsThatItOpenedAndNoOthers) {
    rig.ingest->set_tenant(acme({"old", "new"}));
    Peer by_old(rig), by_new(rig), of_default(rig);
    by_old.send(hello("acme", "old") + "one\n");
    by_new.send(hello("acme", "new") + "two\n");
    of_default.send("three\n");
    ASSERT_TRUE(by_old.answered("\"acked\":1") && by_new.answered("\"acked\":1") &&
                of_default.answered("\"acked\":1"));
    rig.ingest->set_tenant(acme({"new"}));
    EXPECT_TRUE(by_old.answered("bad_key")) << by_old.receive();
    EXPECT_TRUE(by_old.closed());
    by_new.send("more\n");
    of_default.send("more\n");
    EXPECT_TRUE(by_new.answered("\"acked\":2"));
    EXPECT_TRUE(of_default.answered("\"acked\":2"));
    Peer again(rig);
    again.send(hello("acme", "old"));
    EXPECT_TRUE(again.answered("bad_key"));
}

TEST_P(IngestTenants, WhatADisabledTenantSentBeforeIsAnsweredThenItsConnectionsEnd) {
    rig.ingest->set_tenant(acme({"k"}));
    rig.sink.hold = true;
    Peer peer(rig);
    peer.send(hello("acme", "k") + "one\ntwo\n");
    ASSERT_TRUE(rig.pump([&] { return rig.sink.taken.size() == 2; }));
    Ingest::Tenant disabled = acme({"k"});
    disabled.enabled = false;
    rig.ingest->set_tenant(disabled);
    rig.pump_some();
    EXPECT_EQ(peer.receive().find("disabled"), std::string::npos) << "answers go first";
    rig.sink.committed = rig.sink.published;
    rig.sink.hold = false;
    ASSERT_TRUE(peer.answered("disabled"));
    EXPECT_LT(peer.receive().find("\"acked\":2"), peer.receive().find("disabled"));
    EXPECT_TRUE(peer.closed());
    Peer again(rig);
    again.send(hello("acme", "k"));
    EXPECT_TRUE(again.answered("unknown_tenant"));
    rig.ingest->set_tenant(acme({"k"}));
    Peer enabled(rig);
    enabled.send(hello("acme", "k"));
    EXPECT_TRUE(enabled.answered("welcome"));
}

TEST_P(IngestTenants, LimitsApplyToConnectionsThatAreOpen) {
    rig.ingest->set_tenant(acme({"k"}));
    Peer peer(rig);
    std::string many;
    for (int i = 0; i < 100; ++i) many += "e\n";
    peer.send(hello("acme", "k") + many);
    ASSERT_TRUE(peer.answered("\"acked\":100"));
    Ingest::Tenant limited = acme({"k"});
    limited.rate_limit = 10;
    limited.burst = 10;
    rig.ingest->set_tenant(limited);
    peer.send(many);
    ASSERT_TRUE(peer.answered("rate_limited"));
    peer.send("late\n");
    rig.pump_some();
    EXPECT_EQ(peer.receive().find("\"acked\":201"), std::string::npos);
    rig.ingest->set_tenant(acme({"k"}));
    EXPECT_TRUE(peer.answered("\"acked\":201")) << "the debt went with the limit";
}

}  // namespace
}  // namespace penstock::test
