// Users, sessions, presence and keys as the log makes them.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/support/access_rig.h"
#include "tests/support/seed.h"

namespace penstock::test {
namespace {

TEST(AccessBook, AUserKeepsItsNumberAndANumberIsNeverGivenToAnother) {
    AccessRig rig;
    rig.user("ann", R"(,"number":7,"display_name":"Ann","regions":["eu"],"skills":["fire"])");
    rig.user("bob");
    EXPECT_EQ(rig.number("ann"), 7u);
    EXPECT_EQ(rig.number("bob"), 8u);
    rig.user("ann", R"(,"number":9)", "supervisor");
    EXPECT_EQ(rig.number("ann"), 7u);
    EXPECT_EQ(rig.book->user("ann")->role, Role::kSupervisor);
    rig.control(ControlKind::kUserRemoved, "bob", "{}");
    rig.restart();
    rig.user("cid");
    EXPECT_EQ(rig.number("cid"), 9u);
    EXPECT_FALSE(rig.book->user("bob"));
}

TEST(AccessBook, AChangeMadeForAnotherVersionIsRefused) {
    AccessRig rig;
    const Seq first = rig.user("ann");
    const Seq second = rig.user("ann", fmt::format(R"(,"version":{})", first), "admin");
    EXPECT_FALSE(rig.book->refused(second));
    const Seq stale = rig.user("ann", fmt::format(R"(,"version":{})", first), "viewer");
    EXPECT_TRUE(rig.book->refused(stale));
    EXPECT_EQ(rig.book->user("ann")->role, Role::kAdmin);
    EXPECT_TRUE(rig.book->refused(rig.user("eve", "", "emperor")));
}

TEST(AccessBook, ASessionEndsWhenIdleAndASignOfLifeRenewsIt) {
    AccessRig rig;
    rig.boot(10, 25);
    rig.user("ann");
    rig.sign_in(1, "s");
    rig.now = 9;
    rig.seen("ann", "s");
    rig.to(18.9);
    EXPECT_TRUE(rig.book->session("s"));
    EXPECT_EQ(rig.book->due_ns(), rig.book->session("s")->ends_ns);
    rig.now = 18.95;
    rig.seen("ann", "s");
    EXPECT_EQ(rig.book->session("s")->ends_ns, rig.book->session("s")->opened_ns + 25 * kSecond)
        << "no longer than its longest life";
    rig.to(25.1);
    EXPECT_FALSE(rig.book->session("s"));
    EXPECT_TRUE(rig.book->refused(rig.control(ControlKind::kSessionEnded, "s", "{}")));
}

TEST(AccessBook, SessionsOutliveARestartAndAShorterLimitHoldsFromTheBoot) {
    AccessRig rig;
    rig.boot(1000, 5000);
    rig.user("ann");
    rig.sign_in(1, "s");
    rig.to(100);
    rig.restart();
    EXPECT_TRUE(rig.book->session("s"));
    rig.boot(50, 5000);
    EXPECT_FALSE(rig.book->session("s")) << "idle for 100 s";
}

TEST(AccessBook, WhoIsSeenIsActiveForFiveMinutesToTheInstant) {
    AccessRig rig;
    rig.user("ann");
    rig.sign_in(1, "s");
    const StampNs came = rig.book->user(1)->last_seen_ns;
    EXPECT_TRUE(rig.active(1));
    EXPECT_EQ(rig.book->due_ns(), came + AccessBook::kPresenceNs);
    rig.to(299.9);
    EXPECT_TRUE(rig.active(1));
    rig.to(400);
    EXPECT_FALSE(rig.active(1));
    EXPECT_EQ(rig.told.back().at_ns, came + AccessBook::kPresenceNs) << "the timer's time, not the record's";
    rig.seen("ann", "s");
    EXPECT_TRUE(rig.active(1));
}

TEST(AccessBook, WhoLeftOnPurposeIsNotBroughtBackByAPageThatGoesOnAsking) {
    AccessRig rig;
    rig.user("ann");
    rig.sign_in(1, "s");
    rig.control(ControlKind::kUserLeft, "ann", "{}");
    EXPECT_FALSE(rig.active(1));
    rig.restart();
    rig.seen("ann", "s");
    EXPECT_FALSE(rig.active(1));
    rig.seen("ann", "", true);
    EXPECT_TRUE(rig.active(1));
}

TEST(AccessBook, TheEndOfTheLastSessionEndsPresence) {
    AccessRig rig;
    rig.user("ann");
    rig.sign_in(1, "a");
    rig.sign_in(1, "b");
    rig.control(ControlKind::kSessionEnded, "a", "{}");
    EXPECT_TRUE(rig.active(1));
    rig.control(ControlKind::kSessionEnded, "b", "{}");
    EXPECT_FALSE(rig.active(1));
}

TEST(AccessBook, WhoIsDisabledOrGetsAnotherPasswordLosesTheSessionsButTheOneThatAsked) {
    AccessRig rig;
    rig.user("ann", R"(,"password_hash":"a")");
    rig.sign_in(1, "a");
    rig.sign_in(1, "b");
    rig.user("ann", R"(,"password_hash":"a","display_name":"Ann")");
    EXPECT_EQ(rig.book->sessions(1).size(), 2u);
    rig.user("ann", R"(,"password_hash":"c","session":"b")");
    ASSERT_EQ(rig.book->sessions(1).size(), 1u);
    EXPECT_EQ(rig.book->sessions(1)[0].id, "b");
    rig.user("ann", R"(,"password_hash":"c","enabled":false)");
    EXPECT_TRUE(rig.book->sessions(1).empty());
    EXPECT_FALSE(rig.told.back().who.enabled);
    EXPECT_TRUE(rig.book->refused(rig.sign_in(1, "d")));
}

TEST(AccessBook, OfMoreSessionsThanAUserMayHaveTheOneSeenLongestAgoEnds) {
    AccessRig rig;
    rig.user("ann");
    for (size_t i = 0; i < AccessBook::kSessionsOfUserMax; ++i) rig.sign_in(1, fmt::format("s{}", i));
    rig.now = 1;
    rig.seen("ann", "s0");
    rig.sign_in(1, "one more");
    EXPECT_EQ(rig.book->sessions(1).size(), AccessBook::kSessionsOfUserMax);
    EXPECT_TRUE(rig.book->session("s0"));
    EXPECT_FALSE(rig.book->session("s1"));
}

TEST(AccessBook, UsersThatShareATokenAreAllFoundAndDisabledOnesAreNot) {
    AccessRig rig;
    for (const char* name : {"a", "b", "c"}) rig.user(name, R"(,"token_hash":"t")");
    rig.user("b", R"(,"token_hash":"t","enabled":false)");
    rig.restart();
    const auto found = rig.book->users_of_token("t");
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[1].name, "c");
    rig.user("a", R"(,"token_hash":"u")");
    EXPECT_EQ(rig.book->users_of_token("t").size(), 1u);
}

TEST(AccessBook, AKeyIsFoundByItsHashUntilItIsReplacedOrRevoked) {
    AccessRig rig;
    rig.control(ControlKind::kApiKeySet, "k1",
                R"({"name":"wall","hash":"h1","role":"viewer","regions":["eu"]})");
    EXPECT_EQ(rig.book->key_of_hash("h1")->scope.regions, std::vector<std::string>{"eu"});
    rig.control(ControlKind::kApiKeySet, "k1", R"({"name":"wall","hash":"h2","role":"viewer"})");
    EXPECT_FALSE(rig.book->key_of_hash("h1"));
    EXPECT_TRUE(rig.book->refused(
        rig.control(ControlKind::kApiKeySet, "k2", R"({"name":"x","hash":"h2","role":"viewer"})")));
    rig.restart();
    EXPECT_EQ(rig.book->key_of_hash("h2")->id, "k1");
    rig.control(ControlKind::kApiKeyRevoked, "k1", "{}");
    EXPECT_FALSE(rig.book->key_of_hash("h2"));
}

TEST(AccessBook, PreferencesAreKeptWholeAndBounded) {
    AccessRig rig;
    rig.user("ann");
    rig.control(ControlKind::kPreferencesSet, "ann", R"({"preferences":{"theme":"dark"}})");
    rig.user("ann", R"(,"display_name":"Ann")");
    rig.restart();
    EXPECT_EQ(rig.book->user("ann")->preferences, R"({"theme":"dark"})");
    const std::string large(kPreferencesBytesMax, 'x');
    EXPECT_TRUE(rig.book->refused(rig.control(ControlKind::kPreferencesSet, "ann",
                                              fmt::format(R"({{"preferences":{{"a":"{}"}}}})", large))));
}

TEST(AccessBook, AViewOfTheTeamIsSharedReplacedAndRemoved) {
    AccessRig rig;
    rig.control(ControlKind::kTeamViewSet, "late", R"({"address":"/console/search?q=a","by":"ann"})");
    rig.control(ControlKind::kTeamViewSet, "early", R"({"address":"/console/search?q=b","by":"ann"})");
    rig.control(ControlKind::kTeamViewSet, "late", R"({"address":"/console/search?q=c","by":"ben"})");
    rig.restart();
    ASSERT_EQ(rig.book->views().size(), 2u);
    EXPECT_EQ(rig.book->views()[0].name, "early");
    EXPECT_EQ(rig.book->views()[1].address, "/console/search?q=c");
    EXPECT_EQ(rig.book->views()[1].by, "ben");
    rig.control(ControlKind::kTeamViewSet, "late", R"({"by":"ann"})");
    rig.restart();
    EXPECT_EQ(rig.book->views().size(), 1u);
    EXPECT_TRUE(rig.book->refused(rig.control(ControlKind::kTeamViewSet, "late", "{}")));
    for (size_t i = 1; i < kTeamViewsMax; ++i)
        rig.control(ControlKind::kTeamViewSet, fmt::format("v{}", i), R"({"address":"/"})");
    EXPECT_TRUE(rig.book->refused(rig.control(ControlKind::kTeamViewSet, "one more", R"({"address":"/"})")));
    EXPECT_FALSE(rig.book->refused(rig.control(ControlKind::kTeamViewSet, "v7", R"({"address":"/x"})")));
}

TEST(AccessBook, AStartTellsOfEveryUser) {
    AccessRig rig;
    rig.user("ann", R"(,"regions":["eu"],"skills":["fire"])");
    rig.user("bob");
    rig.sign_in(2, "s");
    rig.told.clear();
    rig.restart();
    ASSERT_EQ(rig.told.size(), 2u);
    EXPECT_EQ(rig.told[0].who.regions, std::vector<std::string>{"eu"});
    EXPECT_FALSE(rig.told[0].who.active);
    EXPECT_TRUE(rig.told[1].who.active);
}

/// What ought to be, worked out the plain way.
struct Model {
    struct Session {
        uint64_t user;
        StampNs opened, seen;
    };
    struct Person {
        bool active = false, left = false;
        StampNs seen = 0;
    };
    static constexpr int64_t kIdle = 400 * kSecond, kLife = 1500 * kSecond;
    std::map<std::string, Session> sessions;
    std::map<uint64_t, Person> people;

    size_t count(uint64_t user) const {
        return static_cast<size_t>(std::count_if(sessions.begin(), sessions.end(),
                                                 [&](const auto& s) { return s.second.user == user; }));
    }
    void end(const std::string& id) {
        const uint64_t user = sessions.at(id).user;
        sessions.erase(id);
        if (count(user) == 0) people[user].active = false;
    }
    void pass(StampNs now) {
        std::vector<std::string> over;
        for (const auto& [id, s] : sessions)
            if (std::min(s.seen + kIdle, s.opened + kLife) <= now) over.push_back(id);
        for (const std::string& id : over) end(id);
        for (auto& [user, p] : people)
            if (p.active && p.seen + AccessBook::kPresenceNs <= now) p.active = false;
    }
};

TEST(AccessBook, WhateverHappensInWhateverOrderItIsAsThePlainModelHasItAlsoAcrossRestarts) {
    SCOPED_TRACE(seed_note());
    Random random;
    AccessRig rig, other;  // the other is never restarted
    Model model;
    for (AccessRig* r : {&rig, &other}) {
        r->boot(Model::kIdle / kSecond, Model::kLife / kSecond);
        for (int u = 1; u <= 5; ++u) r->user(fmt::format("u{}", u));
    }
    std::map<uint64_t, Operator> told;
    for (int step = 0; step < 3000; ++step) {
        const double now =
            rig.now + static_cast<double>(random.below(1000)) / 10 * (random.below(8) == 0 ? 8 : 1);
        rig.now = other.now = now;
        const uint64_t user = random.below(5) + 1;
        const std::string name = fmt::format("u{}", user), id = fmt::format("s{}", random.below(12));
        const auto what = random.below(6);
        for (AccessRig* r : {&rig, &other}) {
            if (what == 0) r->sign_in(user, id);
            if (what == 1 || what == 2) r->seen(name, id, what == 2);
            if (what == 3) r->control(ControlKind::kSessionEnded, id, "{}");
            if (what == 4) r->control(ControlKind::kUserLeft, name, "{}");
            if (what == 5) r->to(now);
        }
        const StampNs stamp = rig.last_stamp;
        model.pass(stamp);
        const auto session = model.sessions.find(id);
        auto& person = model.people[user];
        if (what == 0 && session == model.sessions.end()) {
            model.sessions[id] = {user, stamp, stamp};
            person = {true, false, stamp};
        }
        if (what == 1 || what == 2) {
            if (session != model.sessions.end() && session->second.user == user) session->second.seen = stamp;
            if (!person.left || what == 2) person = {true, false, stamp};
        }
        if (what == 3 && session != model.sessions.end()) model.end(id);
        if (what == 4 && person.seen != 0) person.active = false, person.left = true;
        if (random.below(50) == 0) rig.restart();

        for (const auto& t : rig.told) told[t.who.user] = t.who;
        rig.told.clear();
        std::set<std::string> open;
        for (const UserSession& s : rig.book->sessions(0)) open.insert(s.id);
        std::set<std::string> expected;
        for (const auto& [one, s] : model.sessions) expected.insert(one);
        ASSERT_EQ(open, expected) << "step " << step;
        for (uint64_t u = 1; u <= 5; ++u) {
            ASSERT_EQ(rig.active(u), model.people[u].active) << "step " << step << " user " << u;
            ASSERT_EQ(told[u].active, model.people[u].active) << "told, step " << step << " user " << u;
        }
    }
    rig.rows.save(*rig.book);
    other.rows.save(*other.book);
    EXPECT_EQ(rig.rows.rows(), other.rows.rows());
}

}  // namespace
}  // namespace penstock::test
