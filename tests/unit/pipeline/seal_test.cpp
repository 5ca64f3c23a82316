#include "pipeline/seal.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace penstock {
namespace {

std::array<uint8_t, 32> key_bytes(uint8_t with) {
    std::array<uint8_t, 32> bytes;
    bytes.fill(with);
    return bytes;
}

std::span<const uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

class KeyFile : public testing::Test {
  protected:
    KeyFile() {
        std::string name = (std::filesystem::temp_directory_path() / "penstock-seal-XXXXXX").string();
        folder = mkdtemp(name.data());
    }
    ~KeyFile() override { std::filesystem::remove_all(folder); }
    std::string write(const std::string& text, mode_t mode = 0600) const {
        const std::string path = folder + "/key";
        std::ofstream(path) << text;
        ::chmod(path.c_str(), mode);
        return path;
    }
    static std::string fault_of(const std::string& file) {
        try {
            read_seal_keys(file);
        } catch (const SealError& e) {
            return e.what();
        }
        return "none";
    }
    std::string folder;
};

TEST(Seal, WhatWasSealedIsOpenedByItsKeyAndPlaceAlone) {
    const SealKey key(key_bytes(1)), other(key_bytes(2));
    for (const size_t length : {size_t{0}, size_t{1}, size_t{300}, size_t{100'000}}) {
        const std::string text(length, 'x');
        const auto sealed = seal_whole(key, bytes_of(text), bytes_of("here"));
        EXPECT_EQ(key_of_sealed(sealed), key.id());
        const auto opened = open_whole(key, sealed, bytes_of("here"));
        ASSERT_TRUE(opened);
        EXPECT_EQ(std::string(opened->begin(), opened->end()), text);
        EXPECT_FALSE(open_whole(key, sealed, bytes_of("there")));
        EXPECT_FALSE(open_whole(other, sealed, bytes_of("here")));
        for (const size_t at : {size_t{8}, sealed.size() / 2, sealed.size() - 1}) {
            auto changed = sealed;
            changed[at] ^= 1;
            EXPECT_FALSE(open_whole(key, changed, bytes_of("here"))) << at;
        }
        EXPECT_FALSE(open_whole(key, std::span(sealed).first(sealed.size() - 1), bytes_of("here")));
    }
    EXPECT_EQ(key_of_sealed(bytes_of("short")), 0u);
}

TEST(Seal, TheSameTextIsSealedDifferentlyEachTime) {
    const SealKey key(key_bytes(1));
    EXPECT_NE(seal_whole(key, bytes_of("text"), {}), seal_whole(key, bytes_of("text"), {}));
}

TEST_F(KeyFile, HoldsTheNewestKeyFirst) {
    const std::string a(64, 'a'), b(64, 'b');
    SealKeys keys;
    keys.add_region(3, write("# of this year\n" + a + "\n\n" + b + "\n"));
    const auto read = read_seal_keys(folder + "/key");
    ASSERT_EQ(read.size(), 2u);
    EXPECT_EQ(keys.of_region(3)->id(), read[0]->id());
    EXPECT_NE(keys.find(read[1]->id()), nullptr);
    EXPECT_EQ(keys.of_region(4), nullptr);
    EXPECT_EQ(keys.common(), nullptr);
    keys.make_common(4);
    EXPECT_EQ(keys.common(), nullptr) << "it has none";
    keys.make_common(3);
    EXPECT_EQ(keys.common(), keys.of_region(3));
}

TEST_F(KeyFile, ThatCannotBeUsedSaysWhyAndNeverWhatItHolds) {
    EXPECT_NE(fault_of(folder + "/none").find("openssl rand -hex 32"), std::string::npos);
    EXPECT_NE(fault_of(write(std::string(64, 'a'), 0644)).find("chmod 600"), std::string::npos);
    for (const std::string& bad : {std::string(63, 'a'), std::string(66, 'a'), std::string("secret-text")}) {
        const std::string fault = fault_of(write(bad + "\n"));
        EXPECT_NE(fault.find("line 1"), std::string::npos) << fault;
        EXPECT_EQ(fault.find(bad), std::string::npos) << fault;
    }
    EXPECT_NE(fault_of(write("# nothing\n")).find("holds no key"), std::string::npos);
}

TEST_F(KeyFile, IsMadeOnceWhereItIsTheHosts) {
    const std::string path = folder + "/host.key";
    const uint64_t first = read_or_make_seal_keys(path).front()->id();
    EXPECT_EQ(read_or_make_seal_keys(path).front()->id(), first);
    struct stat about{};
    ::stat(path.c_str(), &about);
    EXPECT_EQ(about.st_mode & 0777, 0600u);
}

}  // namespace
}  // namespace penstock
