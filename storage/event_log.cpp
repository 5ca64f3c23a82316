#include "storage/event_log.h"

#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "schemas/limits.h"
#include "storage/lmdb.h"

namespace penstock {
namespace {

using lmdb::check;
using lmdb::fail;

constexpr std::string_view kLogIdKey = "log_id";
constexpr std::string_view kSecretKey = "hash_secret";
constexpr std::string_view kFormatKey = "format";
constexpr std::string_view kFormat = "penstock-log-1";
constexpr size_t kSecretBytes = 192;  // XXH3's default secret has this length
constexpr size_t kChecksumFrom = offsetof(RecordHeader, checksum) + sizeof(uint64_t);

void fill_random(uint8_t* data, size_t size) {
    size_t done = 0;
    while (done < size) {
        const ssize_t n = getrandom(data + done, size - done, 0);
        if (n < 0 && errno != EINTR) throw LogError("getrandom failed", errno);
        if (n > 0) done += static_cast<size_t>(n);
    }
}

std::string random_uuid() {
    std::array<uint8_t, 16> b{};
    fill_random(b.data(), b.size());
    b[6] = static_cast<uint8_t>((b[6] & 0x0f) | 0x40);  // RFC 9562: version 4, variant 10
    b[8] = static_cast<uint8_t>((b[8] & 0x3f) | 0x80);
    std::string s;
    for (size_t i = 0; i < b.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) s += '-';
        s += fmt::format("{:02x}", b[i]);
    }
    return s;
}

uint64_t checksum_of(const uint8_t* value, size_t size) {
    return XXH3_64bits(value + kChecksumFrom, size - kChecksumFrom);
}

template <typename T>
uint8_t* put(uint8_t* to, std::span<const T> items) {
    if (!items.empty()) std::memcpy(to, items.data(), items.size_bytes());
    return to + items.size_bytes();
}

Seq seq_of(const MDB_val& key) {
    Seq seq;
    std::memcpy(&seq, key.mv_data, sizeof seq);
    return seq;
}

void verify_record(const RecordView& stored) {
    const RecordHeader& h = *stored.header;
    if (h.checksum != checksum_of(reinterpret_cast<const uint8_t*>(&h), h.value_bytes()))
        throw LogError(fmt::format("the record at {} fails its checksum", h.first_seq), MDB_CORRUPTED);
}

/// LMDB keeps small values inside a page at any even address; a record is read through structs of 8-byte
/// alignment, so such a value is copied out first. Large ones lie on pages of their own and are not.
class AlignedValue {
  public:
    std::span<const uint8_t> of(const MDB_val& v) {
        const auto b = lmdb::bytes(v);
        if (reinterpret_cast<uintptr_t>(b.data()) % alignof(RecordHeader) == 0) return b;
        copy_.resize((b.size() + 7) / 8);
        std::memcpy(copy_.data(), b.data(), b.size());
        return {reinterpret_cast<const uint8_t*>(copy_.data()), b.size()};
    }

  private:
    std::vector<uint64_t> copy_;
};

}  // namespace

std::optional<uint16_t> NameList::find(std::string_view name) const {
    const std::string* last = end();
    const std::string* it = std::find(begin(), last, name);
    if (it == last) return std::nullopt;
    return static_cast<uint16_t>(it - begin());
}
std::optional<uint16_t> LogNames::region(std::string_view name) const { return regions.find(name); }
std::optional<uint16_t> LogNames::tenant(std::string_view name) const { return tenants.find(name); }

RecordView parse_record(std::span<const uint8_t> value, bool verify_checksum) {
    if (value.size() < sizeof(RecordHeader))
        throw LogError("a record is shorter than its header", MDB_CORRUPTED);
    RecordView view;
    view.header = reinterpret_cast<const RecordHeader*>(value.data());
    const RecordHeader& h = *view.header;
    if (h.magic != kRecordMagic) throw LogError("a record does not begin with its magic", MDB_CORRUPTED);
    if (h.version == 0 || h.version > kRecordVersion)
        throw LogError(fmt::format("the record at {} has format {}; this program reads 1 to {}", h.first_seq,
                                   h.version, kRecordVersion),
                       MDB_VERSION_MISMATCH);
    const bool sane =
        h.count <= limits::kBatchEventsMax && h.producer_count <= limits::kRecordProducersMax &&
        h.bloom_bytes <= limits::kBatchEventsMax && h.heap_bytes <= limits::kSlabBytes &&
        (h.seal_bytes == 0 || (h.seal_bytes == seal_bytes_of(h.count) && h.packed_bytes == 0)) &&
        h.packed_bytes <= h.heap_bytes;
    if (!sane || h.value_bytes() > value.size())
        throw LogError(fmt::format("the record at {} has lengths that disagree", h.first_seq), MDB_CORRUPTED);
    if (verify_checksum) verify_record(view);

    const uint8_t* at = value.data() + sizeof(RecordHeader);
    view.bloom = {at, h.bloom_bytes};
    at += h.bloom_bytes;
    view.producers = {reinterpret_cast<const ProducerPosition*>(at), h.producer_count};
    at += view.producers.size_bytes();
    view.identities = {reinterpret_cast<const EventIdentity*>(at), h.count};
    at += view.identities.size_bytes();
    view.heads = {reinterpret_cast<const EventHead*>(at), h.count};
    at += view.heads.size_bytes();
    view.heap = {at, h.stored_heap_bytes()};
    view.opener = h.seal_bytes == 0 && h.packed_bytes == 0 ? nullptr : &nobody_opens();
    for (const EventHead& head : view.heads) {
        if (uint64_t{head.offset} + head.length > h.heap_bytes)
            throw LogError(fmt::format("the record at {} has an event outside its bytes", h.first_seq),
                           MDB_CORRUPTED);
    }
    return view;
}

EventLog::EventLog(const Options& options) : path_(options.path), bytes_max_(options.bytes_max) {
    std::error_code ec;
    if (!options.read_only) {
        std::filesystem::create_directories(path_, ec);
        if (ec) throw LogError(fmt::format("cannot create {}: {}", path_, ec.message()), ec.value());
        ::chmod(path_.c_str(), 0700);
    } else if (!std::filesystem::exists(path_ + "/data.mdb", ec)) {
        throw LogError(
            fmt::format("{} holds no log; name the data folder of an appliance that has run", path_), ENOENT);
    }
    check(mdb_env_create(&env_), "mdb_env_create");
    try {
        check(mdb_env_set_mapsize(env_, bytes_max_), "mdb_env_set_mapsize");
        check(mdb_env_set_maxdbs(env_, 8), "mdb_env_set_maxdbs");
        check(mdb_env_set_maxreaders(env_, 256), "mdb_env_set_maxreaders");
        // NOTLS: readers own their transactions, whichever thread runs them. NORDAHEAD: the flushers follow
        // the writer closely, and what is older is read by nobody or once.
        const unsigned flags = MDB_NOTLS | MDB_NORDAHEAD | (options.read_only ? MDB_RDONLY : 0u);
        if (const int rc = mdb_env_open(env_, path_.c_str(), flags, 0600); rc != 0) {
            fail(fmt::format("cannot open the log in {} (is the folder yours, and its disk mounted?)", path_),
                 rc);
        }
        int stale = 0;
        mdb_reader_check(env_, &stale);
        load_identity(options.read_only);
        if (options.pack && !options.read_only) packer_.emplace();
        // What a killed process left may be in the page cache alone. Before a region or a producer is told of
        // it, it must survive a power cut.
        if (!options.read_only) check(mdb_env_sync(env_, 1), "sync the log");
    } catch (...) {
        mdb_env_close(env_);
        throw;
    }
}

EventLog::~EventLog() { mdb_env_close(env_); }

void EventLog::load_identity(bool read_only) {
    lmdb::Txn txn(env_, read_only ? MDB_RDONLY : 0);
    const unsigned create = read_only ? 0 : MDB_CREATE;
    check(mdb_dbi_open(txn, "meta", create, &meta_), "open meta");
    check(mdb_dbi_open(txn, "names", create, &names_dbi_), "open names");
    check(mdb_dbi_open(txn, "records", create | MDB_INTEGERKEY, &records_), "open records");

    MDB_val key = lmdb::val(kFormatKey), value;
    if (const int rc = mdb_get(txn, meta_, &key, &value); rc == MDB_NOTFOUND && !read_only) {
        std::vector<uint8_t> secret(kSecretBytes);
        fill_random(secret.data(), secret.size());
        const std::string id = random_uuid();
        const std::array<std::pair<MDB_val, MDB_val>, 3> facts{
            {{lmdb::val(kFormatKey), lmdb::val(kFormat)},
             {lmdb::val(kLogIdKey), lmdb::val(id)},
             {lmdb::val(kSecretKey), lmdb::val(secret.data(), secret.size())}}};
        for (auto [k, v] : facts) check(mdb_put(txn, meta_, &k, &v, 0), "write the log's identity");
    } else {
        check(rc, "read the log's format");
        const std::string found(static_cast<const char*>(value.mv_data), value.mv_size);
        if (found != kFormat)
            fail(fmt::format("{} is in format {}; this program reads {}", path_, found, kFormat),
                 MDB_VERSION_MISMATCH);
    }
    key = lmdb::val(kLogIdKey);
    check(mdb_get(txn, meta_, &key, &value), "read log_id");
    identity_.log_id.assign(static_cast<const char*>(value.mv_data), value.mv_size);
    key = lmdb::val(kSecretKey);
    check(mdb_get(txn, meta_, &key, &value), "read hash_secret");
    const auto secret = lmdb::bytes(value);
    identity_.hash_secret.assign(secret.begin(), secret.end());

    // names: key is 'r' or 't' and a big-endian number, so that a scan gives them in the order of their ids.
    {
        lmdb::Cursor cursor(txn, names_dbi_);
        for (int rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST); rc == 0;
             rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
            auto& list = *static_cast<const char*>(key.mv_data) == 'r' ? names_.regions : names_.tenants;
            list.push_back(std::string(static_cast<const char*>(value.mv_data), value.mv_size));
        }
    }
    txn.commit();
}

void EventLog::register_names(const std::vector<std::string>& regions,
                              const std::vector<std::string>& tenants) {
    lmdb::Txn txn(env_, 0);
    const auto add = [&](char kind, const NameList& list, const std::vector<std::string>& wanted,
                         size_t max) {
        std::vector<std::string> fresh;
        for (const std::string& name : wanted) {
            if (list.find(name) || std::find(fresh.begin(), fresh.end(), name) != fresh.end()) continue;
            const size_t at = list.size() + fresh.size();
            if (at == max)
                throw LogError(fmt::format("the log knows {} names already; {} has no room", max, name),
                               ENOSPC);
            const std::array<char, 3> id{kind, static_cast<char>(at >> 8), static_cast<char>(at & 0xff)};
            MDB_val key = lmdb::val(id.data(), id.size()), value = lmdb::val(name);
            check(mdb_put(txn, names_dbi_, &key, &value, 0), "write a name");
            fresh.push_back(name);
        }
        return fresh;
    };
    const auto new_regions = add('r', names_.regions, regions, limits::kRegionsMax);
    const auto new_tenants = add('t', names_.tenants, tenants, limits::kTenantsMax);
    txn.commit();
    for (const std::string& name : new_regions) names_.regions.push_back(name);
    for (const std::string& name : new_tenants) names_.tenants.push_back(name);
}

void EventLog::append(std::span<const RecordView> records) {
    try {
        append_in_one(records);
    } catch (const LogError& e) {
        // What had been acknowledged is safe in every case.
        throw lmdb::with_remedy(e, path_, "raise log.bytes_max, or bring back the regions that wait");
    }
}

void EventLog::append_in_one(std::span<const RecordView> records) {
    lmdb::Txn txn(env_, 0);
    {
        lmdb::Cursor cursor(txn, records_);
        for (const RecordView& record : records) {
            const uint32_t seal_bytes = keys_ ? seal_bytes_for(record, *keys_) : 0;
            const auto packed =
                packer_ && seal_bytes == 0 ? packer_->pack(record.heap) : std::span<const uint8_t>();
            RecordHeader header = *record.header;
            header.seal_bytes = seal_bytes;
            header.packed_bytes = static_cast<uint32_t>(packed.size());
            const size_t size = header.value_bytes();
            Seq seq = record.first_seq();
            MDB_val key = lmdb::val(&seq, sizeof seq), value{size, nullptr};
            check(mdb_cursor_put(cursor, &key, &value, MDB_APPEND | MDB_RESERVE), "append to the log");
            auto* const begin = static_cast<uint8_t*>(value.mv_data);
            uint8_t* at = begin + sizeof(RecordHeader);
            at = put(at, record.bloom);
            at = put(at, record.producers);
            at = put(at, record.identities);
            at = put(at, record.heads);
            uint8_t* const heap = at;
            at = put(at, packed.empty() ? record.heap : packed);
            if (seal_bytes != 0) seal_items(record, *keys_, heap, at);
            std::memcpy(begin, &header, sizeof header);
            header.checksum = checksum_of(begin, size);
            std::memcpy(begin, &header, sizeof header);
        }
    }
    txn.commit();
}

size_t EventLog::trim(const std::function<bool(const RecordView&)>& may_go, size_t records_max) {
    lmdb::Txn txn(env_, 0);
    size_t gone = 0;
    {
        lmdb::Cursor cursor(txn, records_);
        MDB_val key, value;
        AlignedValue aligned;
        // The last record stays, whatever its age: it tells the next sequence and stamp after a restart.
        Seq last = 0;
        if (mdb_cursor_get(cursor, &key, &value, MDB_LAST) == 0) last = seq_of(key);
        while (gone < records_max && mdb_cursor_get(cursor, &key, &value, MDB_FIRST) == 0) {
            if (seq_of(key) == last || !may_go(parse_record(aligned.of(value), false))) break;
            check(mdb_cursor_del(cursor, 0), "trim the log");
            ++gone;
        }
    }
    if (gone > 0) txn.commit();
    return gone;
}

EventLog::Bounds EventLog::bounds() const {
    lmdb::Txn txn(env_, MDB_RDONLY);
    lmdb::Cursor cursor(txn, records_);
    Bounds b;
    MDB_val key, value;
    if (mdb_cursor_get(cursor, &key, &value, MDB_FIRST) == 0) b.first_seq = seq_of(key);
    if (mdb_cursor_get(cursor, &key, &value, MDB_LAST) == 0) {
        AlignedValue aligned;
        const RecordView last = parse_record(aligned.of(value), true);
        b.next_seq = last.end_seq();
        b.last_stamp_ns = last.last_stamp();
    }
    MDB_stat stat;
    check(mdb_stat(txn, records_, &stat), "mdb_stat");
    b.records = stat.ms_entries;
    return b;
}

uint64_t EventLog::bytes_used() const {
    lmdb::Txn txn(env_, MDB_RDONLY);
    MDB_stat stat;
    check(mdb_stat(txn, records_, &stat), "mdb_stat");
    return (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages) * uint64_t{stat.ms_psize};
}

uint64_t EventLog::bytes_available() const {
    struct stat file{};
    struct statvfs disk{};
    if (::stat((path_ + "/data.mdb").c_str(), &file) != 0 || ::statvfs(path_.c_str(), &disk) != 0)
        return bytes_max_;  // who cannot look learns it from the commit
    const uint64_t taken = static_cast<uint64_t>(file.st_blocks) * 512;
    return std::min(bytes_max_, taken + uint64_t{disk.f_bavail} * disk.f_frsize);
}

LogReader::LogReader(const EventLog& log) : log_(log), txn_(nullptr), opener_(log.keys()) {
    check(mdb_txn_begin(log.env(), nullptr, MDB_RDONLY, &txn_), "begin a read transaction");
    mdb_txn_reset(txn_);
}
LogReader::~LogReader() { mdb_txn_abort(txn_); }

namespace {
/// Holds the reader's snapshot for the length of a call, so that old pages can be used again after it.
class Snapshot {
  public:
    explicit Snapshot(MDB_txn* txn) : txn_(txn) { check(mdb_txn_renew(txn), "renew a read transaction"); }
    ~Snapshot() { mdb_txn_reset(txn_); }
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;

  private:
    MDB_txn* txn_;
};
}  // namespace

Seq LogReader::scan(Seq from, const std::function<bool(const RecordView&)>& visit, bool verify) const {
    Snapshot snapshot(txn_);
    lmdb::Cursor cursor(txn_, log_.records_dbi());
    Seq wanted = from;
    MDB_val key = lmdb::val(&wanted, sizeof wanted), value;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    if (rc == MDB_NOTFOUND) {
        rc = mdb_cursor_get(cursor, &key, &value, MDB_LAST);  // `from` may lie inside the last record
    } else if (rc == 0 && seq_of(key) > from) {
        if (mdb_cursor_get(cursor, &key, &value, MDB_PREV) != 0)
            rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    }
    Seq next = from;
    AlignedValue aligned;
    for (; rc == 0; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        RecordView view = parse_record(aligned.of(value), verify);
        if (view.end_seq() <= from) continue;
        opener_.take(view);
        const bool more = visit(view);
        next = view.end_seq();
        if (!more) return next;
    }
    if (rc != MDB_NOTFOUND) fail("read the log", rc);
    return next;
}

void LogReader::scan_back(const std::function<bool(const RecordView&)>& visit) const {
    Snapshot snapshot(txn_);
    lmdb::Cursor cursor(txn_, log_.records_dbi());
    MDB_val key, value;
    AlignedValue aligned;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    for (; rc == 0; rc = mdb_cursor_get(cursor, &key, &value, MDB_PREV)) {
        RecordView view = parse_record(aligned.of(value), false);
        opener_.take(view);
        if (!visit(view)) return;
    }
    if (rc != MDB_NOTFOUND) fail("read the log", rc);
}

Seq LogReader::find_received(StampNs since_ns) const {
    // Stamps rise with sequences.
    const EventLog::Bounds bounds = log_.bounds();
    Seq low = bounds.first_seq, high = bounds.next_seq;
    while (low < high) {
        const Seq middle = low + (high - low) / 2;
        bool older = false;
        Seq first = middle, end = middle + 1;
        scan(middle, [&](const RecordView& record) {
            older = record.last_stamp() < since_ns;
            first = record.first_seq();
            end = record.end_seq();
            return false;
        });
        if (older)
            low = end;
        else
            high = std::min(first, middle);
    }
    return low;
}

}  // namespace penstock
