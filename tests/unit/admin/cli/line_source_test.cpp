#include "admin/cli/line_source.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <limits>

#include "admin/cli/event_text.h"
#include "admin/cli/terminal.h"

namespace penstock::cli {
namespace {

constexpr uint64_t kAll = std::numeric_limits<uint64_t>::max();

struct LineSourceTest : testing::Test {
    std::string path = testing::TempDir() + "penstock-lines-XXXXXX";
    LineSourceTest() { close(mkstemp(path.data())); }
    ~LineSourceTest() override { std::filesystem::remove(path); }

    void write_plain(std::string_view text) {
        FILE* f = fopen(path.c_str(), "w");
        fwrite(text.data(), 1, text.size(), f);
        fclose(f);
    }
    void write_gzip(std::string_view text, const char* mode = "w") {
        gzFile f = gzopen(path.c_str(), mode);
        gzwrite(f, text.data(), static_cast<unsigned>(text.size()));
        gzclose(f);
    }
    std::string read_all(const FileLines::Options& options = {}) {
        FileLines lines(path, options);
        std::string out;
        LineSource::Taken taken;
        do {
            taken = lines.take(out, kAll, std::numeric_limits<size_t>::max());
            events += taken.events;
            too_long += taken.too_long;
        } while (!taken.ended);
        return out;
    }
    uint64_t events = 0, too_long = 0;
};

TEST_F(LineSourceTest, ALastLineWithoutItsEndIsALine) {
    write_plain("a\nb");
    EXPECT_EQ(read_all(), "a\nb\n");
    EXPECT_EQ(events, 2u);
}

TEST_F(LineSourceTest, AnEmptyFileHasNoLines) {
    EXPECT_EQ(read_all({3, ""}), "");
    EXPECT_EQ(events, 0u);
}

TEST_F(LineSourceTest, GzipIsRecognisedByItsContentAndItsMembersFollowOneAnother) {
    write_gzip("a\nb");
    write_gzip("c\nd\n", "a");
    EXPECT_EQ(read_all(), "a\nbc\nd\n");
    EXPECT_EQ(events, 3u);
}

TEST_F(LineSourceTest, ALargeGzipComesOutWhole) {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += std::to_string(i) + "\n";
    write_gzip(text);
    EXPECT_EQ(read_all(), text);
}

TEST_F(LineSourceTest, ATruncatedGzipIsAnErrorAndNotAnEnd) {
    std::string text;
    for (int i = 0; i < 10'000; ++i) text += std::to_string(i * 7919) + "\n";
    write_gzip(text);
    std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
    EXPECT_THROW(read_all(), CommandError);
}

TEST_F(LineSourceTest, RepeatReadsTheFileAgainAndCountsItsLinesAnew) {
    write_gzip("a\n\nb\n");
    FileLines lines(path, {3, ""});
    std::string out;
    while (!lines.take(out, kAll, 1000).ended) continue;
    EXPECT_EQ(out, "a\nb\na\nb\na\nb\n");
    EXPECT_EQ(lines.line_of(2), 3u);
    EXPECT_EQ(lines.line_of(6), 3u);
}

TEST_F(LineSourceTest, TakesNoMoreEventsThanAskedFor) {
    write_plain("a\nb\n{\"penstock\":\"heartbeat\"}\nc\n");
    FileLines lines(path, {});
    std::string out;
    EXPECT_EQ(lines.take(out, 2, 1000).events, 2u);
    EXPECT_EQ(out, "a\nb\n");
    EXPECT_EQ(lines.take(out, 2, 1000).events, 1u);
    EXPECT_EQ(out, "a\nb\n{\"penstock\":\"heartbeat\"}\nc\n");
}

TEST_F(LineSourceTest, ALineBeyondAllBoundsIsLeftOutAndTheNextCounts) {
    write_plain("a\n" + std::string(3 * FileLines::kLineBytesMax, 'x') + "\nb\n");
    EXPECT_EQ(read_all(), "a\nb\n");
    EXPECT_EQ(events, 2u);
    EXPECT_EQ(too_long, 1u);
}

TEST_F(LineSourceTest, TheRegionIsReplacedOrAddedAndNothingElseTouched) {
    const auto with = [](std::string_view line) {
        std::string out;
        append_with_region(line, "eu", out);
        return out;
    };
    EXPECT_EQ(with(R"({"id":"1","region":"us","data":{"region":"x"}})"),
              R"({"id":"1","region":"eu","data":{"region":"x"}})");
    EXPECT_EQ(with(R"({"id":"1","region" : "us" })"), R"({"id":"1","region" : "eu" })");
    EXPECT_EQ(with(R"({"id":"1","data":{"region":"x"}})"),
              R"({"region":"eu","id":"1","data":{"region":"x"}})");
    EXPECT_EQ(with("{}"), R"({"region":"eu"})");
    EXPECT_EQ(with("no json"), "no json");
    EXPECT_EQ(with(R"({"id":)"), R"({"id":)");
}

TEST(LineKinds, ControlLinesHavePenstockAsTheirFirstMember) {
    EXPECT_EQ(kind_of(R"({"penstock":"heartbeat"})"), LineKind::kControl);
    EXPECT_EQ(kind_of(R"( { "penstock":"heartbeat"})"), LineKind::kControl);
    EXPECT_EQ(kind_of(R"({"id":"1","penstock":"heartbeat"})"), LineKind::kEvent);
    EXPECT_EQ(kind_of("\r"), LineKind::kEmpty);
    EXPECT_EQ(kind_of(" "), LineKind::kEvent);  // not empty: the appliance refuses it
}

TEST(Pipes, APipeWithoutBytesMakesNobodyWait) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const int saved = dup(STDIN_FILENO);
    dup2(ends[0], STDIN_FILENO);
    {
        FileLines lines("-", {});
        std::string out;
        EXPECT_TRUE(lines.take(out, kAll, 1000).waiting);
        ASSERT_EQ(write(ends[1], "a\nhalf", 6), 6);
        const auto taken = lines.take(out, kAll, 1000);
        EXPECT_TRUE(taken.waiting);
        EXPECT_EQ(out, "a\n");  // the half line waits for its rest
        close(ends[1]);
        EXPECT_TRUE(lines.take(out, kAll, 1000).ended);
        EXPECT_EQ(out, "a\nhalf\n");
    }
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(ends[0]);
}

}  // namespace
}  // namespace penstock::cli
