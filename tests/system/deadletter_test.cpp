// Dead letters with the real program: refused, looked at, mended, stored; and what is known of it afterwards.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/support/appliance_process.h"
#include "tests/support/five_regions.h"

namespace penstock::test {
namespace {

namespace json = boost::json;

class DeadLetterCommand : public testing::Test {
  protected:
    CommandResult deadletter(std::vector<std::string> arguments, const std::string& input = "") {
        arguments.insert(arguments.begin(), "deadletter");
        arguments.insert(arguments.end(), {"--server", server()});
        return penstock(arguments, input);
    }
    CommandResult stopped(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "deadletter");
        arguments.insert(arguments.end(), {"--data-dir", appliance.folder() + "/data"});
        return penstock(arguments);
    }
    std::string server() const { return fmt::format("127.0.0.1:{}", appliance.http_port()); }
    void send(const std::string& lines, int exit_code, std::vector<std::string> more = {}) {
        const TemporaryFile file("events.ndjson", lines);
        std::vector<std::string> arguments{"send", file.path(), "--to", appliance.events()};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const CommandResult sent = penstock(arguments);
        EXPECT_EQ(sent.exit_code, exit_code) << sent.err;
    }
    /// `deadletter list -o json`, a line each.
    std::vector<json::value> list(std::vector<std::string> more = {}) {
        std::vector<std::string> arguments{"list", "-o", "json"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return lines(deadletter(arguments).out);
    }
    static std::vector<json::value> lines(const std::string& text) {
        std::vector<json::value> out;
        for (size_t at = 0, end; at < text.size(); at = end + 1) {
            end = text.find('\n', at);
            out.push_back(json::parse(text.substr(at, end - at)));
        }
        return out;
    }
    static std::string seq_of(const json::value& letter) {
        return std::to_string(letter.at("seq").to_number<int64_t>());
    }
    static std::string event(const std::string& id, const std::string& region = "eu") {
        return fmt::format(R"({{"specversion":"1.0","id":"{}","source":"/s","type":"t","region":"{}"}})", id,
                           region) +
               "\n";
    }
    static constexpr const char* kRefuseUnknown = "[routing]\nunknown_region = \"refuse\"\n";

    ApplianceProcess appliance;
};

TEST_F(DeadLetterCommand, WhatIsMendedIsStoredInItsRegionAndItsHistorySurvivesKill9) {
    PENSTOCK_NEEDS_POSTGRES();
    FiveRegions regions;
    appliance.set_config(kRefuseUnknown + regions.config());
    appliance.start();
    send(event("1") + event("2", "atlantis"), 1);
    ASSERT_TRUE(eventually([&] { return regions.events("eu") == 1; }));
    const std::string seq = seq_of(list().at(0));

    // As it is, it is refused again, as a new dead letter.
    const CommandResult again = deadletter({"retry", seq, "-o", "json"});
    EXPECT_EQ(again.exit_code, 1);
    const json::value result = json::parse(again.out).at("results").at(0);
    EXPECT_EQ(result.at("outcome"), "refused");
    EXPECT_EQ(result.at("cause"), "unknown_region");
    const std::string second = std::to_string(result.at("new_dead_letter").to_number<int64_t>());

    std::string mended = deadletter({"show", second, "--raw"}).out;
    mended.replace(mended.find("atlantis"), 8, "eu");
    const CommandResult stored =
        deadletter({"retry", second, "--replace", "-", "--by", "ann", "--note", "mistyped"}, mended);
    EXPECT_EQ(stored.exit_code, 0) << stored.err;
    EXPECT_NE(stored.out.find("stored as"), std::string::npos) << stored.out;
    EXPECT_TRUE(eventually([&] { return regions.events("eu") == 2; })) << appliance.log_text();

    appliance.kill9();
    const auto check = [&](const json::value& shown) {
        EXPECT_EQ(shown.at("status"), "retried");
        EXPECT_EQ(shown.at("retry_of"), std::stoll(seq));
        const json::array& history = shown.at("history").as_array();
        ASSERT_EQ(history.size(), 2u);
        EXPECT_EQ(history[0].at("outcome"), "refused");
        EXPECT_EQ(history[0].at("edited"), false);
        EXPECT_EQ(history[1].at("outcome"), "stored");
        EXPECT_EQ(history[1].at("by"), "ann");
        EXPECT_EQ(history[1].at("note"), "mistyped");
        EXPECT_EQ(history[1].at("edited"), true);
    };
    check(json::parse(stopped({"show", second, "-o", "json"}).out));
    appliance.start();
    check(json::parse(deadletter({"show", second, "-o", "json"}).out));
    appliance.stop();
    appliance.start();  // from the checkpoint
    check(json::parse(deadletter({"show", second, "-o", "json"}).out));
    const CommandResult twice = deadletter({"retry", second});
    EXPECT_EQ(twice.exit_code, 1);
    EXPECT_NE(twice.out.find("not open"), std::string::npos) << twice.out << twice.err;
    const std::string metrics = appliance.get("/metrics");
    EXPECT_NE(metrics.find("penstock_dead_letters_held{status=\"retried\"} 2"), std::string::npos);
    EXPECT_NE(metrics.find("penstock_dead_letters_held{status=\"open\"} 0"), std::string::npos);
    EXPECT_EQ(regions.events("eu"), 2);
    EXPECT_EQ(regions.twice(), 0);
    appliance.stop();
}

TEST_F(DeadLetterCommand, ARowThatItsRegionRefusedIsStoredOnceWhenTheRegionIsMended) {
    PENSTOCK_NEEDS_POSTGRES();
    FiveRegions regions;
    appliance.set_config(regions.config());
    appliance.start();
    ASSERT_TRUE(eventually([&] { return regions.events("eu") == 0; }));
    regions.number("eu", "ALTER TABLE penstock.event ADD CONSTRAINT no_poison CHECK (id <> 'poison')");
    send(event("1") + event("poison") + event("2"), 0);
    ASSERT_TRUE(eventually([&] { return regions.events("eu") == 2 && list().size() == 1; }))
        << appliance.log_text();
    const json::value letter = list()[0];
    EXPECT_EQ(letter.at("cause"), "region_refused");
    EXPECT_EQ(letter.at("event").at("id"), "poison");

    regions.number("eu", "ALTER TABLE penstock.event DROP CONSTRAINT no_poison");
    const CommandResult retried = deadletter({"retry", seq_of(letter)});
    EXPECT_EQ(retried.exit_code, 0) << retried.out << retried.err;
    EXPECT_TRUE(eventually([&] { return regions.events("eu") == 3; })) << appliance.log_text();
    EXPECT_EQ(regions.twice(), 0);
    send(event("poison"), 0);  // its producer sends it again: a duplicate
    EXPECT_EQ(deadletter({"retry", seq_of(letter)}).exit_code, 1);
    sleep_ms(500);
    EXPECT_EQ(regions.events("eu"), 3);
    appliance.stop();
}

TEST_F(DeadLetterCommand, ManyAreChosenByFilterLookedAtFirstAndDoneOneByOne) {
    appliance.set_config(kRefuseUnknown);
    appliance.start();
    std::string refused;
    for (int i = 0; i < 700; ++i) refused += event(std::to_string(i), "atlantis");
    send(refused + "nonsense\n", 1);
    EXPECT_EQ(list({"--limit", "0"}).size(), 701u);
    EXPECT_EQ(list({"--limit", "0", "--cause", "unknown_region", "--since", "1h"}).size(), 700u);

    const CommandResult preview =
        deadletter({"retry", "--cause", "unknown_region", "--dry-run", "-o", "json"});
    EXPECT_EQ(json::parse(preview.out).at("matched"), 700) << preview.err;
    EXPECT_EQ(list({"--limit", "0", "--status", "open"}).size(), 701u) << "a preview changes nothing";

    appliance.stop();
    appliance.set_config("[[region]]\nname = \"eu\"\n[[region]]\nname = \"us\"\naliases = [\"atlantis\"]\n" +
                         std::string(kRefuseUnknown));
    appliance.start();
    const CommandResult all = deadletter({"retry", "--cause", "unknown_region", "-o", "json"});
    EXPECT_EQ(all.exit_code, 0) << all.err;
    const json::value answer = json::parse(all.out);
    EXPECT_EQ(answer.at("matched"), 700);
    EXPECT_EQ(answer.at("done"), 700);
    EXPECT_EQ(answer.at("results").as_array().size(), 700u);
    const CommandResult dropped = deadletter({"drop", "--all"});
    EXPECT_EQ(dropped.exit_code, 0) << dropped.err;
    EXPECT_TRUE(list({"--status", "open"}).empty());
    EXPECT_EQ(list({"--status", "dropped"}).size(), 1u);
    appliance.stop();
    const CommandResult verify = penstock({"log", "verify", "--config", appliance.config_file()});
    EXPECT_EQ(verify.exit_code, 0) << verify.out << verify.err;
    EXPECT_EQ(lines(stopped({"list", "--status", "retried", "--limit", "0", "-o", "json"}).out).size(), 700u);
}

TEST_F(DeadLetterCommand, ALetterThatWasCutNeedsItsWholeEvent) {
    appliance.start();
    const std::string data(30'000, 'x');
    send(R"({"specversion":"1.0","id":"1","source":"/s","data":")" + data + "\"}\n", 1);
    const std::string seq = seq_of(list().at(0));
    const CommandResult cut = deadletter({"retry", seq});
    EXPECT_EQ(cut.exit_code, 1);
    EXPECT_NE(cut.out.find("--replace"), std::string::npos) << cut.out;
    const TemporaryFile whole("whole.json", event("1", "us"));
    EXPECT_EQ(deadletter({"retry", seq, "--replace", whole.path()}).exit_code, 0);
    appliance.stop();
}

TEST_F(DeadLetterCommand, WrongFlagsAndAnApplianceThatIsNotThereAreSaid) {
    const auto run = [](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "deadletter");
        return penstock(arguments);
    };
    EXPECT_EQ(run({"retry"}).exit_code, 2);
    EXPECT_EQ(run({"drop", "1", "--all"}).exit_code, 2);
    EXPECT_EQ(run({"retry", "1", "2", "--replace", "x"}).exit_code, 2);
    EXPECT_EQ(run({"list", "--since", "yesterday"}).exit_code, 2);
    EXPECT_EQ(run({"list", "--status", "gone"}).exit_code, 2);
    EXPECT_EQ(run({"list", "--data-dir", "/nowhere"}).exit_code, 1);
    EXPECT_EQ(run({"list", "--server", "127.0.0.1:1"}).exit_code, 3);
}

}  // namespace
}  // namespace penstock::test
