#include "storage/identity_runs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <future>
#include <numeric>
#include <tuple>

namespace penstock {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMagic = 0x314e555244495350;  // "PSIDRUN1"
constexpr std::string_view kSuffix = ".run";
/// A run spans at most this part of the window, so that little is left to read of the log itself.
constexpr int64_t kRunsOfWindow = 20;
constexpr size_t kCollectEventsMax = 256 << 10;

uint64_t hash_of(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

/// Of the header after its checksum, and the entries.
uint64_t checksum_of(const IdentityRun::Header& header, std::span<const IdentityRun::Entry> entries) {
    constexpr size_t kFrom = offsetof(IdentityRun::Header, checksum) + sizeof header.checksum;
    XXH3_state_t* state = XXH3_createState();
    XXH3_64bits_reset(state);
    XXH3_64bits_update(state, reinterpret_cast<const uint8_t*>(&header) + kFrom, sizeof header - kFrom);
    XXH3_64bits_update(state, entries.data(), entries.size_bytes());
    const uint64_t hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return hash;
}

std::vector<std::string> run_files(const std::string& folder) {
    std::vector<std::string> files;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error))
        if (entry.path().extension() == kSuffix) files.push_back(entry.path().string());
    std::sort(files.begin(), files.end());
    return files;
}

/// As they stand in a run. Ids are keyed hashes: once their upper 22 bits are in order, digit by digit from
/// the lower one, few share them. Three times as fast as comparing alone.
void sort_entries(std::vector<IdentityRun::Entry>& entries, std::vector<IdentityRun::Entry>& other) {
    constexpr int kDigitBits = 11;
    other.resize(entries.size());
    for (const int shift : {64 - 2 * kDigitBits, 64 - kDigitBits}) {
        const auto digit = [&](const IdentityRun::Entry& e) {
            return (e.id.hi >> shift) & ((1u << kDigitBits) - 1);
        };
        std::array<uint32_t, (1 << kDigitBits) + 1> places{};
        for (const IdentityRun::Entry& e : entries) ++places[digit(e) + 1];
        std::partial_sum(places.begin(), places.end(), places.begin());
        for (const IdentityRun::Entry& e : entries) other[places[digit(e)]++] = e;
        entries.swap(other);
    }
    const auto before = [](const IdentityRun::Entry& a, const IdentityRun::Entry& b) {
        constexpr uint64_t kTime = IdentityRun::kTimeMask;
        return std::tuple(a.id.hi, a.id.lo, a.content_and_time & kTime) <
               std::tuple(b.id.hi, b.id.lo, b.content_and_time & kTime);
    };
    for (auto from = entries.begin(); from != entries.end();) {
        const uint64_t digits = from->id.hi >> (64 - 2 * kDigitBits);
        auto to = from + 1;
        while (to != entries.end() && to->id.hi >> (64 - 2 * kDigitBits) == digits) ++to;
        if (to - from > 1) std::sort(from, to, before);
        from = to;
    }
}

/// Empty: written. Not synced: a file that a power cut tore is recognised and not used.
std::string write_file(const std::string& file, const IdentityRun::Header& header,
                       std::span<const IdentityRun::Entry> entries) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return std::strerror(errno);
    std::string error;
    const auto put = [&](const void* data, size_t size) {
        for (const auto* from = static_cast<const uint8_t*>(data); size > 0 && error.empty();) {
            const ssize_t n = ::write(fd, from, size);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) {
                error = std::strerror(errno);
            } else {
                from += n;
                size -= static_cast<size_t>(n);
            }
        }
    };
    put(&header, sizeof header);
    put(entries.data(), entries.size_bytes());
    if (::close(fd) != 0 && error.empty()) error = std::strerror(errno);
    return error;
}

}  // namespace

std::unique_ptr<IdentityRun> IdentityRun::open(const std::string& file, std::string_view log_id) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return nullptr;
    struct stat s{};
    const bool sized = ::fstat(fd, &s) == 0 && static_cast<size_t>(s.st_size) >= sizeof(Header);
    const auto bytes = static_cast<size_t>(s.st_size);
    void* map = sized ? ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0) : MAP_FAILED;
    ::close(fd);
    if (map == MAP_FAILED) return nullptr;
    std::unique_ptr<IdentityRun> run(new IdentityRun(map, bytes));
    const Header& h = run->header();
    const bool whole = h.magic == kMagic && h.entries == (bytes - sizeof(Header)) / sizeof(Entry) &&
                       bytes == sizeof(Header) + h.entries * sizeof(Entry) &&
                       h.log_id_hash == hash_of(log_id) && h.checksum == checksum_of(h, run->entries());
    return whole ? std::move(run) : nullptr;
}

IdentityRun::~IdentityRun() { ::munmap(map_, bytes_); }

std::span<const IdentityRun::Entry> IdentityRun::entries() const {
    return {reinterpret_cast<const Entry*>(static_cast<const uint8_t*>(map_) + sizeof(Header)),
            static_cast<size_t>(header().entries)};
}

IdentityRunWriter::IdentityRunWriter(Options options, const EventLog& log)
    : options_(std::move(options)), log_(log), reader_(log) {
    std::error_code error;
    fs::create_directories(options_.path, error);
    if (error)
        throw LogError(
            fmt::format("cannot make the folder {}: {}; mend data_dir", options_.path, error.message()),
            error.value());
}

bool IdentityRunWriter::agrees(const IdentityRun& run, const EventLog::Bounds& bounds) const {
    const IdentityRun::Header& h = run.header();
    if (h.end_seq > bounds.next_seq || h.end_seq <= bounds.first_seq) return false;
    // Stamps are of nanoseconds: another history does not end at the same one.
    bool same = false;
    reader_.scan(h.end_seq - 1, [&](const RecordView& record) {
        same = record.end_seq() == h.end_seq && record.last_stamp() == h.last_stamp_ns;
        return false;
    });
    return same;
}

std::vector<std::unique_ptr<IdentityRun>> IdentityRunWriter::open_runs(StampNs now_ns) const {
    std::vector<std::unique_ptr<IdentityRun>> runs;
    const EventLog::Bounds bounds = log_.bounds();
    const std::vector<std::string> files = run_files(options_.path);
    std::vector<std::unique_ptr<IdentityRun>> opened(files.size());
    const auto open_some = [&](size_t from) {  // reading them whole is most of it
        for (size_t i = from; i < files.size(); i += 2)
            opened[i] = IdentityRun::open(files[i], log_.identity().log_id);
    };
    auto other = std::async(std::launch::async, open_some, 1);
    open_some(0);
    other.get();
    for (auto& run : opened)
        if (run && run->header().last_stamp_ns >= now_ns - options_.window_ns && agrees(*run, bounds))
            runs.push_back(std::move(run));
    std::sort(runs.begin(), runs.end(),
              [](const auto& a, const auto& b) { return a->header().first_seq < b->header().first_seq; });
    return runs;
}

void IdentityRunWriter::collect(StampNs now_ns) {
    if (next_seq_ == 0) {
        next_seq_ = reader_.find_received(now_ns - options_.window_ns);
        for (const auto& run : open_runs(now_ns)) next_seq_ = std::max(next_seq_, run->header().end_seq);
    }
    size_t taken = 0;
    const int64_t run_ns = options_.window_ns / kRunsOfWindow;
    next_seq_ = reader_.scan(next_seq_, [&](const RecordView& record) {
        if (open_.first_seq == 0) {
            open_.first_seq = record.first_seq();
            open_.first_stamp_ns = record.header->base_stamp_ns;
        }
        if (record.header->kind == RecordKind::kEvents)
            for (size_t i = 0; i < record.count(); ++i) {
                entries_.push_back({record.identities[i].id, record.identities[i].content});
                stamps_.push_back(record.stamp(i));
            }
        open_.end_seq = record.end_seq();
        open_.last_stamp_ns = record.last_stamp();
        taken += record.count();
        return taken < kCollectEventsMax && entries_.size() < options_.entries_max &&
               open_.last_stamp_ns - open_.first_stamp_ns < run_ns;
    });
    if (entries_.size() >= options_.entries_max ||
        (!entries_.empty() && open_.last_stamp_ns - open_.first_stamp_ns >= run_ns)) {
        write_run();
        remove_old(now_ns);
    }
    if (entries_.empty()) open_ = {};
}

void IdentityRunWriter::write_run() {
    open_.magic = kMagic;
    open_.log_id_hash = hash_of(log_.identity().log_id);
    open_.step_ns =
        (open_.last_stamp_ns - open_.first_stamp_ns) / static_cast<int64_t>(IdentityRun::kTimeMask) + 1;
    open_.entries = entries_.size();
    for (size_t i = 0; i < entries_.size(); ++i)
        entries_[i].content_and_time =
            (entries_[i].content_and_time & ~IdentityRun::kTimeMask) |
            static_cast<uint64_t>((stamps_[i] - open_.first_stamp_ns) / open_.step_ns);
    sort_entries(entries_, sorting_);
    open_.checksum = checksum_of(open_, entries_);
    const std::string file = fmt::format("{}/{:020}{}", options_.path, open_.first_seq, kSuffix);
    const std::string partial = file + ".partial";
    std::string error = write_file(partial, open_, entries_);
    if (error.empty() && ::rename(partial.c_str(), file.c_str()) != 0) error = std::strerror(errno);
    if (!error.empty()) {
        ::unlink(partial.c_str());
        if (!warned_)
            spdlog::warn("dedup: cannot write {}: {}; a start after a crash takes longer without", file,
                         error);
    }
    warned_ = !error.empty();
    entries_.clear();
    stamps_.clear();
    open_ = {};
}

void IdentityRunWriter::remove_old(StampNs now_ns) {
    for (const std::string& file : run_files(options_.path)) {
        IdentityRun::Header header{};
        const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
        const bool read =
            fd >= 0 && ::read(fd, &header, sizeof header) == static_cast<ssize_t>(sizeof header);
        if (fd >= 0) ::close(fd);
        if (!read || header.magic != kMagic || header.last_stamp_ns < now_ns - options_.window_ns)
            ::unlink(file.c_str());
    }
}

}  // namespace penstock
