// A lookup table: CSV with a header line; the first column is the key, the others become groups.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

struct LookupError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Fixed after load; any thread.
class LookupTable {
  public:
    /// Names and values of one row may add this much to an event.
    static constexpr size_t kRowBytesMax = 1024;

    struct Version {
        int64_t modified_ns = 0;
        uint64_t bytes = 0;
        friend bool operator==(const Version&, const Version&) = default;
    };
    /// Of a file; zeros when it cannot be read.
    static Version version_of(const std::string& file);

    /// Throws LookupError: "people.csv:17: ...".
    static std::shared_ptr<const LookupTable> load(const std::string& file);

    const std::vector<std::string>& columns() const { return columns_; }
    /// Values beside columns(); null: no such key.
    const std::vector<std::string>* find(std::string_view key) const {
        const auto it = rows_.find(absl::string_view(key.data(), key.size()));
        return it == rows_.end() ? nullptr : &it->second;
    }

  private:
    std::vector<std::string> columns_;
    absl::flat_hash_map<std::string, std::vector<std::string>> rows_;
};

}  // namespace penstock
