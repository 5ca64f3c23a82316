#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "admin/cli/log_reading.h"
#include "tests/support/hot_log.h"

namespace penstock::cli {
namespace {

struct LogCommandTest : testing::Test {
    test::HotLog hot;

    LogPlace place() {
        const char* path = nullptr;
        mdb_env_get_path(hot.log().env(), &path);
        LogPlace p;
        p.data_dir = std::filesystem::path(path).parent_path().string();
        return p;
    }
    /// What a command prints, and its exit code.
    std::pair<std::string, int> run(const std::function<int()>& command) {
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        int code = -1;
        try {
            code = command();
        } catch (const CommandError& e) {
            code = e.code;
        }
        complaint = testing::internal::GetCapturedStderr();
        return {testing::internal::GetCapturedStdout(), code};
    }
    std::pair<std::string, int> show(const ShowQuery& query) {
        return run([&] { return show_events(place(), query); });
    }
    std::pair<std::string, int> verify() {
        OutputFormat json{"json"};
        return run([&] { return verify_log(place(), json); });
    }
    /// Changes one byte of the first place where `text` is stored.
    void damage(std::string_view text) {
        const std::string file = place().data_dir + "/log/data.mdb";
        std::ifstream in(file, std::ios::binary);
        std::stringstream bytes;
        bytes << in.rdbuf();
        const size_t at = bytes.str().find(text);
        ASSERT_NE(at, std::string::npos);
        std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
        out.seekp(static_cast<std::streamoff>(at));
        out.put('#');
    }
    std::string complaint;
};

ShowQuery by_key(const std::string& key, const std::string& tenant = "default") {
    ShowQuery query;
    query.key = key;
    query.tenant = tenant;
    return query;
}
ShowQuery by_seq(Seq seq) {
    ShowQuery query;
    query.seq = seq;
    return query;
}
size_t lines_in(const std::string& text) {
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST_F(LogCommandTest, ShowFindsTheEventsOfAKeyOfThatTenantOnly) {
    hot.append({{"a", "t", "cam-1"}, {"b", "t", "cam-2"}});
    hot.append({{"c", "t", "cam-1"}, {"d", "t", "cam-1", "acme"}});
    const auto [out, code] = show(by_key("cam-1"));
    EXPECT_EQ(code, kOk);
    EXPECT_EQ(lines_in(out), 2u);
    EXPECT_NE(out.find("\"seq\":1,"), std::string::npos);
    EXPECT_NE(out.find("\"seq\":3,"), std::string::npos);
    EXPECT_EQ(show(by_key("cam-1", "acme")).first.find("\"seq\":4,"), 1u);
    EXPECT_EQ(show(by_key("cam-9")).second, kFailed);
    EXPECT_EQ(show(by_key("cam-1", "nobody")).second, kFailed);
}

TEST_F(LogCommandTest, ShowBySequenceFindsAnEventInsideItsRecord) {
    hot.append({{"a"}, {"b"}, {"c"}});
    hot.append(std::vector<test::LoggedDeadLetter>{{Refusal::kBadJson, "why", "10.0.0.1:5", "{broken"}});
    EXPECT_NE(show(by_seq(2)).first.find("\"id\":\"b\""), std::string::npos);
    EXPECT_NE(show(by_seq(4)).first.find("\"cause\":\"bad_json\""), std::string::npos);
    EXPECT_EQ(show(by_seq(99)).second, kFailed);
    EXPECT_NE(complaint.find("sequence 99 is not in the log, which holds 1 to 4"), std::string::npos);
}

TEST_F(LogCommandTest, ShowReadsOnBeyondOneSlice) {
    hot.hold();
    for (int i = 0; i < 2500; ++i) hot.append({{std::to_string(i), "t", i % 1000 == 0 ? "rare" : "often"}});
    hot.release();
    EXPECT_EQ(lines_in(show(by_key("rare")).first), 3u);
}

TEST_F(LogCommandTest, ListIsNewestFirstAndBounded) {
    for (int i = 0; i < 5; ++i) hot.append({{std::to_string(i)}});
    hot.append_control();
    OutputFormat json{"json"};
    const auto [out, code] = run([&] { return list_records(place(), 2, json); });
    EXPECT_EQ(code, kOk);
    EXPECT_EQ(
        out,
        "{\"seq\":6,\"received\":\"2026-01-01T00:00:00.005Z\",\"kind\":\"control\",\"count\":0,\"bytes\":96,"
        "\"regions\":\"\"}\n" +
            out.substr(out.find('\n') + 1));
    EXPECT_NE(out.find("{\"seq\":5,"), std::string::npos);
    EXPECT_EQ(lines_in(out), 2u);
}

TEST_F(LogCommandTest, VerifyCountsASoundLog) {
    hot.append({{"a"}, {"b"}});
    hot.append_control();
    hot.append({{"c"}});
    const auto [out, code] = verify();
    EXPECT_EQ(code, kOk);
    EXPECT_TRUE(out.starts_with("{\"sound\":true,\"records\":3,\"items\":3,")) << out;
}

TEST_F(LogCommandTest, VerifyNamesTheFirstRecordWithAChangedByte) {
    hot.append({{"a"}});
    hot.append({{"b", "t", "", "default", "us", "\"find-me\""}});
    hot.append({{"c"}});
    damage("find-me");
    const auto [out, code] = verify();
    EXPECT_EQ(code, kDamaged);
    EXPECT_TRUE(out.starts_with("{\"sound\":false,\"records\":1,")) << out;
    EXPECT_NE(out.find("\"damage\":{\"seq\":2,\"what\":\"the record at 2 fails its checksum\"}"),
              std::string::npos)
        << out;
}

TEST_F(LogCommandTest, AFileThatWasCutOffIsAReportAndNotACrash) {
    hot.hold();
    for (int i = 0; i < 300; ++i)
        hot.append({{std::to_string(i), "t", "k", "default", "us", std::string(4000, '1')}});
    hot.release();
    std::filesystem::resize_file(place().data_dir + "/log/data.mdb", 16 * 4096);
    const auto [out, code] = verify();
    EXPECT_EQ(code, kDamaged);
    EXPECT_NE(out.find("\"sound\":false"), std::string::npos);
}

TEST_F(LogCommandTest, AFolderWithoutALogIsSaid) {
    LogPlace nowhere;
    nowhere.data_dir = "/nonexistent";
    OutputFormat text;
    EXPECT_EQ(run([&] { return verify_log(nowhere, text); }).second, kFailed);
    EXPECT_NE(complaint.find("/nonexistent/log holds no log"), std::string::npos);
}

}  // namespace
}  // namespace penstock::cli
