// Who may include whom (docs/architecture.md), and that the README's map is whole.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace penstock::test {
namespace {

namespace fs = std::filesystem;
const fs::path kRoot = PENSTOCK_SOURCE_DIR;

std::string text_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
bool is_source(const fs::path& p) { return p.extension() == ".h" || p.extension() == ".cpp"; }
std::vector<fs::path> sources_under(const std::string& folder) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder))
        if (entry.is_regular_file() && is_source(entry.path()))
            files.push_back(fs::relative(entry.path(), kRoot));
    return files;
}
/// What a file includes of ours, by its path from the root.
std::vector<std::string> includes_of(const fs::path& file) {
    static const std::regex kInclude(R"re((?:^|\n)[ \t]*#[ \t]*include[ \t]*"([^"]+)")re");
    const std::string text = text_of(kRoot / file);
    std::vector<std::string> out;
    for (auto it = std::sregex_iterator(text.begin(), text.end(), kInclude); it != std::sregex_iterator();
         ++it)
        out.push_back((*it)[1]);
    return out;
}
std::string folder_of(const std::string& path, size_t levels) {
    size_t at = 0;
    while (levels-- > 0 && at != std::string::npos) at = path.find('/', at ? at + 1 : 0);
    return at == std::string::npos ? path : path.substr(0, at);
}

TEST(Architecture, EveryIncludeIsWrittenFromTheRoot) {
    for (const char* folder : {"schemas", "pipeline", "storage", "stages", "admin"})
        for (const fs::path& file : sources_under(folder))
            for (const std::string& include : includes_of(file)) {
                const bool generated = include == "schemas/event_generated.h" || include.ends_with(".inc");
                EXPECT_TRUE(generated || fs::exists(kRoot / include)) << file << " includes " << include;
                EXPECT_EQ(include.find(".."), std::string::npos) << file << " includes " << include;
            }
}

TEST(Architecture, FoldersIncludeOnlyWhatLiesBelowThem) {
    const std::vector<std::pair<std::string, std::set<std::string>>> rules = {
        {"schemas", {"schemas"}},
        {"pipeline", {"schemas", "pipeline"}},
        {"storage", {"schemas", "pipeline", "storage"}},
        {"stages", {"schemas", "pipeline", "storage", "stages"}},
        {"admin/http", {"schemas", "pipeline", "storage", "admin/http"}},
    };
    for (const auto& [folder, allowed] : rules)
        for (const fs::path& file : sources_under(folder))
            for (const std::string& include : includes_of(file)) {
                const std::string top = folder_of(include, include.rfind("admin/http/", 0) == 0 ? 2 : 1);
                EXPECT_TRUE(allowed.contains(top)) << file << " includes " << include;
            }
}

TEST(Architecture, NoStageIncludesAnother) {
    for (const fs::path& file : sources_under("stages"))
        for (const std::string& include : includes_of(file))
            EXPECT_TRUE(!include.starts_with("stages/") ||
                        folder_of(include, 2) == folder_of(file.string(), 2))
                << file << " includes " << include;
}

TEST(Architecture, OnlyTheWiringPageAndTheSimulationJoinStages) {
    for (const fs::path& file : sources_under("admin")) {
        const std::string name = file.string();
        if (name.rfind("admin/appliance", 0) == 0 || name == "admin/cli/simulate.cpp") continue;
        std::set<std::string> stages;
        for (const std::string& include : includes_of(file))
            if (include.rfind("stages/", 0) == 0) stages.insert(folder_of(include, 2));
        EXPECT_LE(stages.size(), 1u) << name << " joins several stages";
    }
}

TEST(Architecture, TheReadmesMapNamesEveryFolder) {
    const fs::path readme = kRoot / "README.md";
    if (!fs::exists(readme)) GTEST_SKIP() << "there is no README.md yet";
    const std::string map = text_of(readme);
    static const std::set<std::string> kNotOurs{"build", "var", "node_modules"};
    for (const auto& entry : fs::directory_iterator(kRoot)) {
        const std::string name = entry.path().filename().string();
        if (!entry.is_directory() || name[0] == '.' || kNotOurs.contains(name)) continue;
        EXPECT_NE(map.find("(" + name + ")"), std::string::npos) << "README.md's map lacks " << name;
    }
    for (const auto& entry : fs::directory_iterator(kRoot / "stages")) {
        if (!entry.is_directory() || fs::is_empty(entry.path())) continue;
        const std::string name = "stages/" + entry.path().filename().string();
        EXPECT_NE(map.find("(" + name + ")"), std::string::npos) << "README.md's map lacks " << name;
    }
}

}  // namespace
}  // namespace penstock::test
