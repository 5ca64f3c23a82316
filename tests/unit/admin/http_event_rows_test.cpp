#include "admin/http/event_rows.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "admin/http/query_cache.h"

namespace penstock::http {
namespace {

std::string cell(std::string_view text) {
    std::string out;
    append_csv_cell(out, text);
    return out;
}

TEST(CsvCell, IsQuotedWhereRfc4180AsksForIt) {
    EXPECT_EQ(cell("plain text"), "plain text");
    EXPECT_EQ(cell(""), "");
    EXPECT_EQ(cell("a,b"), "\"a,b\"");
    EXPECT_EQ(cell("a\"b"), "\"a\"\"b\"");
    EXPECT_EQ(cell("a\r\nb"), "\"a\r\nb\"");
}

TEST(CsvCell, IsNoFormula) {
    EXPECT_EQ(cell("=1+1"), "\"'=1+1\"");
    EXPECT_EQ(cell("+1"), "\"'+1\"");
    EXPECT_EQ(cell("-1"), "\"'-1\"");
    EXPECT_EQ(cell("@SUM(A1)"), "\"'@SUM(A1)\"");
    EXPECT_EQ(cell("\t=1"), "\"'\t=1\"");
    EXPECT_EQ(cell("\r=1"), "\"'\r=1\"");
    EXPECT_EQ(cell("=HYPERLINK(\"x\",\"y\")"), "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
    EXPECT_EQ(cell("1=1"), "1=1");
}

FoundEvent some_event() {
    FoundEvent e;
    e.seq = 7;
    e.received_us = 1'767'225'600'000'001;
    e.time_us = 1'767'225'600'000'000;
    e.region = "eu";
    e.log = "log";
    e.tenant = "acme";
    e.source = "/s";
    e.id = "1";
    e.type = "t";
    e.subject = "cam";
    e.severity = 3;
    e.data = R"({"n": 1})";
    e.attributes = R"({"keys":{"order":"4711"},"extensions":{"site":"x"}})";
    return e;
}

TEST(CsvRow, HasACellForEachColumn) {
    std::string row;
    append_csv_row(row, some_event());
    EXPECT_EQ(
        row,
        "2026-01-01T00:00:00.000001000Z,2026-01-01T00:00:00.000000000Z,eu,acme,log,7,stored,3,t,/s,1,cam,"
        "\"{\"\"n\"\": 1}\",\"{\"\"keys\"\":{\"\"order\"\":\"\"4711\"\"},\"\"extensions\"\":{\"\"site\"\":"
        "\"\"x\"\"}}\"\r\n");
    EXPECT_EQ(std::count(csv_header().begin(), csv_header().end(), ','), 13);
}

TEST(FoundEventJson, IsACloudEventWithItsPlace) {
    JsonWriter json;
    write_found_event(json, some_event());
    const auto found = boost::json::parse(json.take()).as_object();
    EXPECT_EQ(found.at("seq"), 7);
    EXPECT_EQ(found.at("state"), "stored");
    const auto& event = found.at("event").as_object();
    EXPECT_EQ(event.at("data").at("n"), 1);
    EXPECT_EQ(event.at("keys").at("order"), "4711");
    EXPECT_EQ(event.at("site"), "x");
    EXPECT_FALSE(found.contains("withheld"));
}

TEST(FoundEventJson, SaysThatAPayloadIsWithheld) {
    FoundEvent event = some_event();
    event.withheld = true;
    event.data.clear();
    event.attributes.clear();
    JsonWriter json;
    write_found_event(json, event);
    const auto found = boost::json::parse(json.take()).as_object();
    EXPECT_EQ(found.at("withheld"), true);
    EXPECT_FALSE(found.at("event").as_object().contains("data"));
}

TEST(QueryCacheTest, ForgetsWhatWasNotAskedForLongest) {
    QueryCache cache;
    const std::string body(1 << 20, 'x');
    for (int i = 0; i < 100; ++i) {
        cache.keep(std::to_string(i), {"m", body});
        ASSERT_NE(cache.find("0"), nullptr) << "it is asked for all the time";
    }
    EXPECT_LE(cache.bytes(), QueryCache::kBytesMax);
    EXPECT_EQ(cache.find("1"), nullptr);
    EXPECT_NE(cache.find("99"), nullptr);
    cache.keep("large", {"m", std::string(QueryCache::kAnswerBytesMax + 1, 'x')});
    EXPECT_EQ(cache.find("large"), nullptr);
    for (int i = 0; i < 100; ++i) cache.forget(std::to_string(i));
    EXPECT_EQ(cache.bytes(), 0u);
}

}  // namespace
}  // namespace penstock::http
