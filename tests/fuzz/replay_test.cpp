// Every input of the corpus through its target, and each cut short: what a fuzzer once found stays found.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/fuzz/targets.h"
#include "tests/support/seed.h"

namespace penstock::fuzz {
namespace {

class Replay : public testing::TestWithParam<NamedTarget> {};

std::vector<std::string> corpus(const std::string& name) {
    const auto folder = std::filesystem::path(PENSTOCK_SOURCE_DIR) / "tests/fuzz/corpus" / name;
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<std::string> inputs;
    for (const auto& path : paths) {
        std::ifstream in(path, std::ios::binary);
        inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
    return inputs;
}
void run(const NamedTarget& target, const std::string& bytes) {
    target.run(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

TEST_P(Replay, TheCorpusKeepsEveryPromise) {
    const std::vector<std::string> inputs = corpus(GetParam().name);
    EXPECT_FALSE(inputs.empty());
    for (const std::string& bytes : inputs) {
        run(GetParam(), bytes);
        run(GetParam(), bytes.substr(0, bytes.size() / 2));
    }
}

/// A few seeded changes to each, also where there is no Clang for the fuzzers.
TEST_P(Replay, ChangedInputsKeepEveryPromise) {
    std::printf("%s\n", test::seed_note().c_str());
    const std::vector<std::string> inputs = corpus(GetParam().name);
    test::Random random(77);
    for (int i = 0; i < 1'000; ++i) {
        std::string bytes = inputs[random.below(inputs.size())];
        for (uint64_t n = 1 + random.below(4); n > 0 && !bytes.empty(); --n) {
            const size_t at = random.below(bytes.size());
            const std::string& other = inputs[random.below(inputs.size())];
            switch (random.below(5)) {
                case 0:
                    bytes[at] = static_cast<char>(random.below(256));
                    break;
                case 1:
                    bytes.erase(at, 1 + random.below(8));
                    break;
                case 2:
                    bytes.insert(at, bytes.substr(random.below(bytes.size()), 1 + random.below(40)));
                    break;
                case 3:
                    bytes.insert(at, other.substr(random.below(other.size() + 1)));
                    break;
                default:
                    bytes[at] = "\"\\{}[],:0\n"[random.below(10)];
            }
        }
        run(GetParam(), bytes);
    }
}
INSTANTIATE_TEST_SUITE_P(Targets, Replay, testing::ValuesIn(kTargets),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
}  // namespace penstock::fuzz
