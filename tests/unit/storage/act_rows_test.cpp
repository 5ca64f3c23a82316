#include "storage/act_rows.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string>

namespace penstock {
namespace {

namespace json = boost::json;

TEST(DecisionRow, NoTextHoldsANulWhichPostgresqlWouldRefuseForEver) {
    const std::string nul("a\0b", 3);
    ReviewDecision d;
    for (std::string* text :
         {&d.by, &d.reason, &d.peer, &d.queue, &d.type, &d.subject, &d.source, &d.event_id})
        *text = nul;
    const std::string row = decision_row(d, nul);
    EXPECT_EQ(row.find("\\u0000"), std::string::npos) << row;
    const json::value parsed = json::parse(row);
    size_t kept = 0;
    for (const auto& member : parsed.as_object())
        kept += member.value().is_string() && member.value().as_string() ==
                                                  "a\xef\xbf\xbd"
                                                  "b";
    EXPECT_EQ(kept, 9u);
}

TEST(DecisionRow, WhatIsNotThereIsNull) {
    ReviewDecision d;
    d.at_ns = 1'767'225'600'123'456'789;
    const json::value parsed = json::parse(decision_row(d, "default"));
    const json::object& row = parsed.as_object();
    for (const char* name : {"user_id", "reason", "address", "event_id", "subject", "alert", "claimed_at"})
        EXPECT_TRUE(row.at(name).is_null()) << name;
    EXPECT_DOUBLE_EQ(row.at("at").as_double(), 1'767'225'600.123456);
}

TEST(AuditRow, HasTheEntryAndItsHashes) {
    AuditEntry e;
    e.number = 7;
    e.at_ns = 1'767'225'600'123'456'789;
    e.action = "review.decided";
    e.by = std::string("a\0b", 3);
    e.chain.fill(0xab);
    const std::string text = audit_row(e);
    EXPECT_EQ(text.find("\\u0000"), std::string::npos) << text;
    const json::value parsed = json::parse(text);
    EXPECT_EQ(parsed.at("number").as_int64(), 7);
    EXPECT_TRUE(parsed.at("target").is_null());
    std::string chain;
    for (int i = 0; i < 32; ++i) chain += "ab";
    EXPECT_EQ(parsed.at("chain").as_string(), chain);
}

}  // namespace
}  // namespace penstock
