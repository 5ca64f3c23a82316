#include "pipeline/civil/zone.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <vector>

namespace penstock {
namespace {

namespace fs = std::filesystem;

constexpr size_t kNameBytesMax = 64;

fs::path zone_folder() {
    const char* given = std::getenv("TZDIR");  // as Abseil does
    return given && *given ? given : "/usr/share/zoneinfo";
}

std::string read_version() {
    std::string line;
    if (std::ifstream zi(zone_folder() / "tzdata.zi"); std::getline(zi, line)) {
        constexpr std::string_view kMark = "# version ";
        if (line.starts_with(kMark)) return line.substr(kMark.size());
    }
    if (std::ifstream plain(zone_folder() / "+VERSION"); std::getline(plain, line) && !line.empty())
        return line;
    return "unknown";
}

/// Names that are files of the folder, or mean the host's own zone, but are no IANA zone.
bool reserved(std::string_view name) {
    return name.starts_with("right/") || name.starts_with("posix/") || name.starts_with("Fixed/") ||
           name == "localtime" || name == "posixrules" || name == "Factory";
}

bool well_formed(std::string_view name) {
    if (name.empty() || name.size() > kNameBytesMax || reserved(name)) return false;
    char before = '/';
    for (const char c : name) {
        const bool letter = std::isalpha(static_cast<unsigned char>(c)) != 0;
        const bool inner = letter || std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '_' ||
                           c == '+' || c == '-' || c == '/';
        if (!inner || (before == '/' && !letter)) return false;
        before = c;
    }
    return before != '/';
}

/// Letters and digits only, small: "New York" and "new_york" are the same.
std::string folded(std::string_view text) {
    std::string out;
    for (const char c : text)
        if (std::isalnum(static_cast<unsigned char>(c)) != 0)
            out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

/// Levenshtein's.
size_t distance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 1; i <= a.size(); ++i) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t up = row[j];
            row[j] = std::min({up + 1, row[j - 1] + 1, corner + (a[i - 1] != b[j - 1])});
            corner = up;
        }
    }
    return row[b.size()];
}

std::string_view last_part(std::string_view name) { return name.substr(name.rfind('/') + 1); }

std::vector<std::string> near(std::string_view name) {
    const std::string whole = folded(name), part = folded(last_part(name));
    std::vector<std::pair<size_t, std::string>> found;
    std::error_code error;
    const fs::path folder = zone_folder();
    for (auto it = fs::recursive_directory_iterator(folder, error);
         !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
        const std::string known = it->path().lexically_relative(folder).string();
        if (it->is_directory(error)) {
            if (known == "right" || known == "posix") it.disable_recursion_pending();
            continue;
        }
        if (!well_formed(known) || std::islower(static_cast<unsigned char>(known[0])) != 0) continue;
        const std::string known_part = folded(last_part(known));
        const size_t apart = std::min(distance(whole, folded(known)), distance(part, known_part));
        if (apart <= 2 && apart * 3 <= part.size()) found.emplace_back(apart, known);
    }
    std::sort(found.begin(), found.end());
    if (!found.empty())
        std::erase_if(found, [best = found.front().first](const auto& f) { return f.first > best; });
    std::vector<std::string> names;
    for (const auto& [apart, known] : found)
        if (names.size() < 3) names.push_back(known);
    return names;
}

}  // namespace

Zone Zone::load(std::string_view name) {
    tzdb_version();
    Zone zone;
    zone.name_ = name;
    if (well_formed(name) && absl::LoadTimeZone(zone.name_, &zone.zone_)) return zone;
    std::error_code error;
    if (!fs::is_directory(zone_folder(), error))
        throw CivilError(fmt::format("'{}' cannot be loaded: {} does not exist; install the package tzdata",
                                     name.substr(0, kNameBytesMax), zone_folder().string()));
    const auto names = name.size() <= kNameBytesMax ? near(name) : std::vector<std::string>{};
    throw CivilError(
        names.empty()
            ? fmt::format("'{}' is no known time zone; use an IANA name such as America/New_York",
                          name.substr(0, kNameBytesMax))
            : fmt::format("'{}' is no known time zone; did you mean {}?", name, fmt::join(names, " or ")));
}

absl::CivilSecond Zone::local(StampNs at_ns) const {
    return absl::ToCivilSecond(absl::FromUnixNanos(at_ns), zone_);
}

Zone::Instants Zone::instants(absl::CivilSecond local) const {
    const absl::TimeZone::TimeInfo info = zone_.At(local);
    switch (info.kind) {
        case absl::TimeZone::TimeInfo::SKIPPED: {
            const StampNs at = absl::ToUnixNanos(info.trans);
            return {Kind::kSkipped, at, at};
        }
        case absl::TimeZone::TimeInfo::REPEATED:
            return {Kind::kRepeated, absl::ToUnixNanos(info.pre), absl::ToUnixNanos(info.post)};
        case absl::TimeZone::TimeInfo::UNIQUE:
            break;
    }
    const StampNs at = absl::ToUnixNanos(info.pre);
    return {Kind::kUnique, at, at};
}

const std::string& tzdb_version() {
    static const std::string version = read_version();
    return version;
}

}  // namespace penstock
