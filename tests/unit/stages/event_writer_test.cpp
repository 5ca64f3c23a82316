#include "stages/parse/event_writer.h"

#include <gtest/gtest.h>

#include <array>

namespace penstock {
namespace {

/// Written over bytes that are not zero, then verified as what a stranger would have sent.
struct Written {
    explicit Written(const EventFields& f) {
        bytes.fill(0xee);
        length = EventWriter::write(f, bytes.data());
    }
    alignas(8) std::array<uint8_t, 16 * 1024> bytes;
    size_t length = 0;
};

void expect_same(const EventFields& f) {
    const Written w(f);
    EXPECT_EQ(w.length % 8, 0u);
    flatbuffers::Verifier verifier(w.bytes.data(), w.length);
    ASSERT_TRUE(verifier.VerifyBuffer<fb::Event>(nullptr));
    EXPECT_EQ(w.bytes[w.length + 8], 0xee) << "wrote far behind its end";
    EventFields read;
    read_event(*event_of({w.bytes.data(), w.length}), read);
    EXPECT_EQ(read.id, f.id);
    EXPECT_EQ(read.source, f.source);
    EXPECT_EQ(read.type, f.type);
    EXPECT_EQ(read.subject, f.subject);
    EXPECT_EQ(read.data, f.data);
    EXPECT_EQ(read.region, f.region);
    EXPECT_EQ(read.time_ns, f.time_ns);
    EXPECT_EQ(read.severity, f.severity);
    EXPECT_TRUE(read.keys.empty() && read.groups.empty() && read.extensions.empty());

    EventBuilder builder;
    EventFields built;
    read_event(*event_of(builder.build(f)), built);
    EXPECT_EQ(read.id, built.id);
    EXPECT_EQ(read.data, built.data);
    EXPECT_EQ(read.time_ns, built.time_ns);
}

TEST(EventWriter, WritesWhatTheBuilderBuilds) {
    EventFields f;
    f.id = "1", f.source = "/s", f.type = "t";
    expect_same(f);
    f.subject = "camera-1", f.data = R"({"a":1})", f.region = "eu", f.severity = 5,
    f.time_ns = 1'767'225'600'000'000'001;
    expect_same(f);
}

TEST(EventWriter, EveryLengthIsPadded) {
    const std::string text(300, 'x');
    for (size_t n = 1; n < text.size(); ++n) {
        EventFields f;
        f.id = std::string_view(text).substr(0, n);
        f.source = std::string_view(text).substr(0, 1 + n % 7);
        f.type = std::string_view(text).substr(0, 1 + n % 3);
        f.data = std::string_view(text).substr(0, n % 11);
        expect_same(f);
    }
}

TEST(EventWriter, RoomIsBounded) {
    EventFields f;
    f.id = "1", f.source = "2", f.type = "3", f.subject = "4", f.data = "5", f.region = "6", f.time_ns = 1,
    f.severity = 1;
    EXPECT_LE(Written(f).length + 8, 160u);  // what the caller leaves beyond the texts
}

TEST(EventWriter, LeavesPairsToTheBuilder) {
    EventFields f;
    EXPECT_TRUE(EventWriter::can_write(f));
    f.groups.emplace_back("site", "north");
    EXPECT_FALSE(EventWriter::can_write(f));
}

}  // namespace
}  // namespace penstock
