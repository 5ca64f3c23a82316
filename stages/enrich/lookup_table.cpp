#include "stages/enrich/lookup_table.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "schemas/limits.h"

namespace penstock {
namespace {

/// RFC 4180: quoted fields may hold commas, quotes (doubled) and line ends.
class CsvReader {
  public:
    CsvReader(std::string_view text, const std::string& file) : text_(text), file_(file) {}

    /// False at the end. Empty lines are passed over.
    bool next(std::vector<std::string>& fields) {
        while (at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r')) step();
        if (at_ == text_.size()) return false;
        row_line_ = line_;
        fields.clear();
        for (;;) {
            fields.push_back(field());
            if (at_ == text_.size()) return true;
            const char c = text_[at_];
            step();
            if (c == '\r' && at_ < text_.size() && text_[at_] == '\n') step();
            if (c != ',') return true;
        }
    }
    [[noreturn]] void fail(std::string_view what) const {
        throw LookupError(fmt::format("{}:{}: {}", file_, row_line_, what));
    }

  private:
    void step() { line_ += text_[at_++] == '\n'; }
    std::string field() {
        std::string out;
        if (at_ < text_.size() && text_[at_] == '"') {
            step();
            for (;;) {
                if (at_ == text_.size()) fail("a quoted field does not end; close it with a quote");
                const char c = text_[at_];
                step();
                if (c != '"') {
                    out += c;
                } else if (at_ < text_.size() && text_[at_] == '"') {
                    out += '"';
                    step();
                } else {
                    break;
                }
            }
            if (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r')
                fail("something follows a quoted field; put it inside the quotes");
            return out;
        }
        while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r') {
            out += text_[at_];
            step();
        }
        return out;
    }
    std::string_view text_;
    const std::string& file_;
    size_t at_ = 0, line_ = 1, row_line_ = 1;
};

}  // namespace

LookupTable::Version LookupTable::version_of(const std::string& file) {
    struct stat s{};
    if (::stat(file.c_str(), &s) != 0) return {};
    return {s.st_mtim.tv_sec * 1'000'000'000LL + s.st_mtim.tv_nsec, static_cast<uint64_t>(s.st_size)};
}

std::shared_ptr<const LookupTable> LookupTable::load(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in)
        throw LookupError(fmt::format("{}: cannot be read; name a CSV file in enrich.lookup.file", file));
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    CsvReader reader(text, file);
    auto table = std::make_shared<LookupTable>();
    std::vector<std::string> row;
    if (!reader.next(row) || row.size() < 2)
        throw LookupError(
            fmt::format("{}:1: has no header line of a key column and at least one other", file));
    table->columns_.assign(row.begin() + 1, row.end());
    const size_t width = row.size();
    while (reader.next(row)) {
        if (row.size() != width)
            reader.fail(fmt::format("has {} fields; the header has {}", row.size(), width));
        size_t bytes = 0;
        for (size_t i = 1; i < width; ++i) bytes += row[i].size() + table->columns_[i - 1].size() + 32;
        if (bytes > kRowBytesMax)
            reader.fail(
                fmt::format("adds {} bytes to an event; at most {} are allowed", bytes, kRowBytesMax));
        std::string key = std::move(row[0]);
        row.erase(row.begin());
        if (!table->rows_.emplace(key, row).second) reader.fail(fmt::format("key '{}' is given twice", key));
    }
    return table;
}

}  // namespace penstock
