#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "admin/http/status.h"
#include "admin/http/text.h"

namespace penstock::http {
namespace {

struct HandClock final : Clock {
    StampNs now_ns = 1'767'225'600'125'000'000;  // 2026-01-01T00:00:00.125Z
    StampNs wall_ns() const override { return now_ns; }
    int64_t monotonic_ns() const override { return now_ns - 1'000'000'000'000; }
};

struct HttpStatus : testing::Test {
    HandClock clock;
    Telemetry telemetry;
    Counters counters;
    Sampler sampler{telemetry, clock};

    void SetUp() override {
        telemetry.version = "9.9.9";
        telemetry.started_ns = clock.now_ns - 90'000'000'000;
        for (const char* name : {"us", "eu"}) {
            telemetry.regions.push_back(std::make_unique<RegionTelemetry>());
            telemetry.regions.back()->name = name;
        }
    }
    /// `seconds` pass, in which `events` come in.
    void pass(double seconds, uint64_t events) {
        telemetry.events_received.add(events);
        telemetry.stage(Stage::kParse).events_in.add(events);
        clock.now_ns += static_cast<int64_t>(seconds * 1e9);
        sampler.sample();
    }
    boost::json::value status() {
        return boost::json::parse(status_json(telemetry, sampler, clock, counters, "b1"));
    }
};

TEST_F(HttpStatus, RatesAreOverTheLastSecond) {
    sampler.sample();
    pass(0.5, 900);
    pass(0.5, 100);
    EXPECT_DOUBLE_EQ(sampler.per_second(Sampler::kReceived), 1000.0);
    pass(0.5, 300);
    pass(0.5, 200);
    EXPECT_DOUBLE_EQ(sampler.per_second(Sampler::kReceived), 500.0);
    EXPECT_DOUBLE_EQ(sampler.stage_per_second(static_cast<size_t>(Stage::kParse)), 500.0);
    pass(1.0, 0);
    EXPECT_DOUBLE_EQ(sampler.per_second(Sampler::kReceived), 0.0);
}

TEST_F(HttpStatus, PercentilesForgetWhatIsOld) {
    sampler.sample();
    telemetry.ack_ns.record(50'000'000, 100);
    pass(1, 0);
    EXPECT_EQ(sampler.recent(Sampler::kAck).count, 100u);
    for (int i = 0; i < 6; ++i) {
        telemetry.ack_ns.record(1000);
        pass(1, 0);
    }
    EXPECT_LE(sampler.recent(Sampler::kAck).quantile(0.99), 1023u);
    for (int i = 0; i < 6; ++i) pass(1, 0);
    EXPECT_TRUE(status().at("latency").at("ack").at("p99_us").is_null()) << "nothing measured is not zero";
}

TEST_F(HttpStatus, TheTrendHasOnePointASecondAndFiveMinutes) {
    sampler.sample();
    for (int i = 0; i < 700; ++i) pass(0.5, 50);
    EXPECT_EQ(sampler.trend().size(), Sampler::kTrendPointsMax);
    EXPECT_DOUBLE_EQ(sampler.trend().back().received, 100.0);
    EXPECT_EQ(sampler.trend().back().at_ns - sampler.trend().front().at_ns, 299'000'000'000);
    const auto trend = boost::json::parse(trend_json(sampler));
    EXPECT_EQ(trend.at("points").as_array().size(), 300u);
}

TEST_F(HttpStatus, SaysAllThereIs) {
    telemetry.readiness = Readiness::kRecovering;
    telemetry.set_failure("disk \"gone\"\n\xff");
    telemetry.regions[1]->configured = true;
    telemetry.regions[1]->breaker = BreakerState::kHalfOpen;
    telemetry.regions[1]->lag_ns = 2'500'000'000;
    telemetry.regions[1]->set_error("FATAL: \xe4\xf6");
    telemetry.dead_letters[static_cast<size_t>(Refusal::kBadTime)].add(4);
    auto sla = std::make_shared<SlaSnapshot>();
    sla->workflows = {{"helpdesk", {{"A", "B", 1500, 7, 3, 2, 1, 1, 0, ""}}}};
    sla->recent = {{"helpdesk", "A", "B", "case 1", clock.now_ns, clock.now_ns + 1}};
    telemetry.set_sla(sla);
    sampler.sample();
    const auto s = status();
    EXPECT_EQ(s.at("readiness").as_string(), "recovering");
    EXPECT_EQ(s.at("failure").as_string(), "disk \"gone\"\n\xef\xbf\xbd");
    EXPECT_EQ(s.at("ingest").at("address").as_string(), "") << "not fixed before the appliance is ready";
    EXPECT_EQ(s.at("uptime_seconds").as_int64(), 90);
    EXPECT_EQ(s.at("now").as_string(), "2026-01-01T00:00:00.125000000Z");
    EXPECT_EQ(s.at("stages").as_array().size(), kStageCount);
    EXPECT_EQ(s.at("stages").at(1).at("name").as_string(), "parse");
    EXPECT_EQ(s.at("regions").at(1).at("breaker").as_string(), "half_open");
    EXPECT_DOUBLE_EQ(s.at("regions").at(1).at("lag_seconds").to_number<double>(), 2.5);
    EXPECT_EQ(s.at("dead_letters").as_array().size(), 1u);
    EXPECT_EQ(s.at("dead_letters").at(0).at("cause").as_string(), "bad_time");
    EXPECT_EQ(s.at("sla").at("workflows").at(0).at("edges").at(0).at("late").as_int64(), 2);
    EXPECT_EQ(s.at("sla").at("recent_missed").at(0).at("deadline").as_string(),
              "2026-01-01T00:00:00.125000000Z");
}

TEST(HttpText, TimesOutsideTheUsualAreSpelledRight) {
    EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000000000Z");
    EXPECT_EQ(rfc3339(-1), "1969-12-31T23:59:59.999999999Z");
    EXPECT_EQ(rfc3339(1'709'164'800'000'000'001), "2024-02-29T00:00:00.000000001Z");
}

TEST(HttpText, Utf8IsTakenAsTheStandardHasIt) {
    EXPECT_TRUE(is_utf8("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"));
    for (const char* bad :
         {"\x80", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xff"}) {
        EXPECT_FALSE(is_utf8(bad)) << bad;
    }
}

TEST(HttpText, EscapesAndCodes) {
    EXPECT_EQ(base64(std::string_view("\0\xff\x10", 3)), "AP8Q");
    EXPECT_EQ(base64("a"), "YQ==");
    EXPECT_EQ(base64("ab"), "YWI=");
    EXPECT_EQ(percent_decode("a%20b+c%C3%A4").value(), "a b c\xc3\xa4");
    EXPECT_FALSE(percent_decode("%2").has_value());
    EXPECT_FALSE(percent_decode("%zz").has_value());
    EXPECT_FALSE(percent_decode("%+1").has_value());
    EXPECT_EQ(percent_decode(percent_encode("Case 1/\"\xc3\xa4\"&+")).value(), "Case 1/\"\xc3\xa4\"&+");
    EXPECT_FALSE(parse_unsigned("-1").has_value());
    EXPECT_FALSE(parse_unsigned("18446744073709551616").has_value());
}

}  // namespace
}  // namespace penstock::http
