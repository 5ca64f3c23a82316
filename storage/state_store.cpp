#include "storage/state_store.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "pipeline/audit_chain.h"
#include "storage/lmdb.h"

namespace penstock {

using lmdb::check;

namespace {

constexpr std::string_view kSealedKey = "sealed";

/// Where the audit trail ends is read without the state's key.
bool is_clear(std::span<const uint8_t> key) { return key[0] == kAuditRows || key[0] == kAuditHeadRow; }

}  // namespace

StateStore::StateStore(const Options& options)
    : path_(options.path), keys_(options.keys), seal_(keys_ ? keys_->common() : nullptr) {
    if (!options.read_only) {
        std::error_code ec;
        std::filesystem::create_directories(options.path, ec);
        if (ec) throw LogError(fmt::format("cannot create {}: {}", options.path, ec.message()), ec.value());
        ::chmod(options.path.c_str(), 0700);
    }
    const unsigned mode = options.read_only ? MDB_RDONLY : 0;
    check(mdb_env_create(&env_), "mdb_env_create");
    try {
        check(mdb_env_set_mapsize(env_, options.bytes_max), "mdb_env_set_mapsize");
        check(mdb_env_set_maxdbs(env_, 4), "mdb_env_set_maxdbs");
        if (const int rc = mdb_env_open(env_, options.path.c_str(), MDB_NOTLS | mode, 0600); rc != 0)
            lmdb::fail(fmt::format("cannot open the state in {}", options.path), rc);
        lmdb::Txn txn(env_, mode);
        const unsigned create = options.read_only ? 0 : MDB_CREATE;
        check(mdb_dbi_open(txn, "rows", create, &rows_), "open rows");
        check(mdb_dbi_open(txn, "meta", create, &meta_), "open meta");
        // A state that an older program wrote has none, and cannot be given one where it is only read.
        if (const int rc = mdb_dbi_open(txn, "audit", create, &audit_); rc != MDB_NOTFOUND)
            check(rc, "open audit");
        MDB_val key = lmdb::val("log_id"), value;
        if (const int rc = mdb_get(txn, meta_, &key, &value); rc == MDB_NOTFOUND && !options.read_only) {
            value = lmdb::val(options.log_id);
            check(mdb_put(txn, meta_, &key, &value, 0), "write log_id");
        } else {
            check(rc, "read log_id");
            const std::string_view found(static_cast<const char*>(value.mv_data), value.mv_size);
            if (found != options.log_id)
                throw LogError(
                    fmt::format(
                        "{} belongs to log {}, not to {}; put the matching folder back, or remove it to "
                        "rebuild the state from the log",
                        options.path, found, options.log_id),
                    EINVAL);
        }
        applied_seq_ = read_applied_seq(txn);
        key = lmdb::val(kSealedKey);
        sealed_ = mdb_get(txn, meta_, &key, &value) == 0;
        if (!options.read_only) follow_keys(txn);
        txn.commit();
        // As in the log: a checkpoint that only the page cache has must not let records be trimmed.
        if (!options.read_only) check(mdb_env_sync(env_, 1), "sync the state");
    } catch (...) {
        mdb_env_close(env_);
        throw;
    }
}

StateStore::~StateStore() { mdb_env_close(env_); }

namespace {
/// A row with the first bytes of its key at hand, so that sorting seldom follows the pointer.
struct SortedRow {
    uint64_t first, second;  ///< of the key, as big-endian numbers
    Checkpoint::Row row;

    explicit SortedRow(const Checkpoint::Row& r)
        : first(number(r.key, 0)), second(number(r.key, 8)), row(r) {}
    bool operator<(const SortedRow& other) const {
        if (first != other.first) return first < other.first;
        if (second != other.second) return second < other.second;
        const int order = compare(row.key, other.row.key);
        return order != 0 ? order < 0 : row.deleted && !other.row.deleted;  // put last
    }

  private:
    static uint64_t number(std::span<const uint8_t> key, size_t at) {
        uint64_t n = 0;
        if (at < key.size()) std::memcpy(&n, key.data() + at, std::min(sizeof n, key.size() - at));
        return __builtin_bswap64(n);
    }
    static int compare(std::span<const uint8_t> a, std::span<const uint8_t> b) {
        const int order = std::memcmp(a.data(), b.data(), std::min(a.size(), b.size()));
        return order != 0 ? order
                          : static_cast<int>(a.size() > b.size()) - static_cast<int>(a.size() < b.size());
    }
};
}  // namespace

std::vector<Checkpoint::Row> sorted_rows(const Checkpoint& checkpoint) {
    std::vector<SortedRow> sorted;
    sorted.reserve(checkpoint.rows());
    checkpoint.for_each([&](const Checkpoint::Row& row) { sorted.emplace_back(row); });
    std::sort(sorted.begin(), sorted.end());
    std::vector<Checkpoint::Row> rows;
    rows.reserve(sorted.size());
    for (const SortedRow& row : sorted) {
        const bool again = !rows.empty() && std::ranges::equal(rows.back().key, row.row.key);
        if (again)
            rows.back() = row.row;
        else
            rows.push_back(row.row);
    }
    return rows;
}

void StateStore::follow_keys(MDB_txn* txn) {
    if (sealed_ == (seal_ != nullptr)) return;
    // Once, when the configuration has changed: a cursor does not stay where it is while rows grow.
    std::vector<std::pair<std::vector<uint8_t>, std::vector<uint8_t>>> rows;
    {
        lmdb::Cursor cursor(txn, rows_);
        MDB_val name, text;
        int rc = mdb_cursor_get(cursor, &name, &text, MDB_FIRST);
        for (; rc == 0; rc = mdb_cursor_get(cursor, &name, &text, MDB_NEXT)) {
            const auto of = lmdb::bytes(name), as = lmdb::bytes(text);
            if (is_clear(of)) continue;
            rows.emplace_back(std::vector(of.begin(), of.end()),
                              seal_ ? seal_whole(*seal_, as, of) : opened(name, text));
        }
        if (rc != MDB_NOTFOUND) lmdb::fail("read the state", rc);
    }
    for (const auto& [of, as] : rows) {
        MDB_val name = lmdb::val(of.data(), of.size()), text = lmdb::val(as.data(), as.size());
        check(mdb_put(txn, rows_, &name, &text, 0), "seal a state row");
    }
    MDB_val key = lmdb::val(kSealedKey), value = lmdb::val(kSealedKey);
    if (seal_)
        check(mdb_put(txn, meta_, &key, &value, 0), "mark the state as sealed");
    else
        check(mdb_del(txn, meta_, &key, nullptr), "mark the state as open");
    sealed_ = seal_ != nullptr;
}

std::vector<uint8_t> StateStore::opened(const MDB_val& key, const MDB_val& value) const {
    const auto sealed = lmdb::bytes(value);
    const uint64_t id = key_of_sealed(sealed);
    const SealKey* const with = keys_ ? keys_->find(id) : nullptr;
    if (!with)
        throw LogError(fmt::format("the state in {} is sealed with key {}, which no region's key_file holds; "
                                   "give the file back, or add the key to it as another line",
                                   path_, seal_key_name(id)),
                       EACCES);
    auto text = open_whole(*with, sealed, lmdb::bytes(key));
    if (!text) throw LogError(fmt::format("a row of the state in {} is damaged", path_), MDB_CORRUPTED);
    return std::move(*text);
}

void StateStore::write(const Checkpoint& checkpoint) {
    try {
        write_in_one(checkpoint);
    } catch (const LogError& e) {
        throw lmdb::with_remedy(e, path_, "the state is at its largest; retire workflows that nobody needs");
    }
}

void StateStore::write_in_one(const Checkpoint& checkpoint) {
    lmdb::Txn txn(env_, 0);
    // Key order keeps the pages that a transaction touches together.
    for (const Checkpoint::Row& row : sorted_rows(checkpoint)) {
        MDB_val key = lmdb::val(row.key.data(), row.key.size()),
                value = lmdb::val(row.value.data(), row.value.size());
        const MDB_dbi table = row.key[0] == kAuditRows ? audit_ : rows_;
        if (row.deleted) {
            const int rc = mdb_del(txn, table, &key, nullptr);
            if (rc != MDB_NOTFOUND) check(rc, "delete a state row");
        } else {
            std::vector<uint8_t> text;
            if (seal_ && !is_clear(row.key)) {
                text = seal_whole(*seal_, row.value, row.key);
                value = lmdb::val(text.data(), text.size());
            }
            check(mdb_put(txn, table, &key, &value, 0), "write a state row");
        }
    }
    MDB_val key = lmdb::val("applied_seq"), value = lmdb::val(&checkpoint.applied_seq, sizeof(Seq));
    check(mdb_put(txn, meta_, &key, &value, 0), "write applied_seq");
    txn.commit();
    applied_seq_ = checkpoint.applied_seq;
}

Seq StateStore::load(const Row& row) const {
    lmdb::Txn txn(env_, MDB_RDONLY);
    lmdb::Cursor cursor(txn, rows_);
    MDB_val key, value;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    for (; rc == 0; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
        sealed_ && !is_clear(lmdb::bytes(key)) ? row(lmdb::bytes(key), opened(key, value))
                                               : row(lmdb::bytes(key), lmdb::bytes(value));
    if (rc != MDB_NOTFOUND) lmdb::fail("read the state", rc);
    return read_applied_seq(txn);
}

namespace {

AuditEntry entry_of(const MDB_val& key_val, const MDB_val& value) {
    RowReader key(lmdb::bytes(key_val));
    key.key_u8();
    const uint64_t number = key.key_u64();
    auto entry = get_audit_entry(number, lmdb::bytes(value));
    if (!entry || !key.ok())
        throw LogError(fmt::format("entry {} of the audit trail is damaged", number), MDB_CORRUPTED);
    return std::move(*entry);
}

}  // namespace

void StateStore::scan_audit_back(uint64_t before, const std::function<bool(const AuditEntry&)>& visit) const {
    if (audit_ == 0) return;
    lmdb::Txn txn(env_, MDB_RDONLY);
    lmdb::Cursor cursor(txn, audit_);
    RowWriter from;
    from.key_u8(kAuditRows).key_u64(before);
    MDB_val key = lmdb::val(from.bytes().data(), from.bytes().size()), value;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    rc = mdb_cursor_get(cursor, &key, &value, rc == 0 ? MDB_PREV : MDB_LAST);
    for (; rc == 0; rc = mdb_cursor_get(cursor, &key, &value, MDB_PREV))
        if (!visit(entry_of(key, value))) return;
    if (rc != MDB_NOTFOUND) lmdb::fail("read the audit trail", rc);
}

void StateStore::scan_audit(const std::function<bool(const AuditEntry&)>& visit) const {
    if (audit_ == 0) return;
    lmdb::Txn txn(env_, MDB_RDONLY);
    lmdb::Cursor cursor(txn, audit_);
    MDB_val key, value;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    for (; rc == 0; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
        if (!visit(entry_of(key, value))) return;
    if (rc != MDB_NOTFOUND) lmdb::fail("read the audit trail", rc);
}

std::optional<AuditHead> StateStore::audit_head() const {
    lmdb::Txn txn(env_, MDB_RDONLY);
    MDB_val key = lmdb::val(&kAuditHeadRow, 1), value;
    const int rc = mdb_get(txn, rows_, &key, &value);
    if (rc == MDB_NOTFOUND) return std::nullopt;
    check(rc, "read the end of the audit trail");
    RowReader in(lmdb::bytes(value));
    return get_audit_head(in);
}

Seq StateStore::read_applied_seq(MDB_txn* txn) const {
    Seq seq = 1;
    MDB_val key = lmdb::val("applied_seq"), value;
    if (mdb_get(txn, meta_, &key, &value) == 0) std::memcpy(&seq, value.mv_data, sizeof seq);
    return seq;
}

}  // namespace penstock
