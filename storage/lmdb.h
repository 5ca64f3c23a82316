// Thin ownership for LMDB handles: a transaction that aborts unless committed, and errors that say where.
#pragma once

#include <fmt/format.h>
#include <lmdb.h>

#include <cerrno>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "storage/event_log.h"

namespace penstock::lmdb {

[[noreturn]] inline void fail(const std::string& what, int code) {
    throw LogError(what + ": " + mdb_strerror(code), code);
}
inline void check(int code, const char* what) {
    if (code != MDB_SUCCESS) fail(what, code);
}

/// The error of a write into `path`, with what a person can do; `when_full`: where the map is.
inline LogError with_remedy(const LogError& e, const std::string& path, std::string_view when_full) {
    const std::string_view remedy =
        e.code == ENOSPC         ? "free space on its disk, or move data_dir to a larger one"
        : e.code == EIO          ? "its disk fails (see dmesg); replace the disk before the next start"
        : e.code == MDB_MAP_FULL ? when_full
                                 : "";
    return remedy.empty() ? e : LogError(fmt::format("{} in {}; {}", e.what(), path, remedy), e.code);
}

class Txn {
  public:
    Txn(MDB_env* env, unsigned flags) { check(mdb_txn_begin(env, nullptr, flags, &txn_), "mdb_txn_begin"); }
    ~Txn() {
        if (txn_) mdb_txn_abort(txn_);
    }
    Txn(const Txn&) = delete;
    Txn& operator=(const Txn&) = delete;
    void commit() {
        MDB_txn* txn = std::exchange(txn_, nullptr);
        check(mdb_txn_commit(txn), "mdb_txn_commit");
    }
    operator MDB_txn*() const { return txn_; }

  private:
    MDB_txn* txn_ = nullptr;
};

/// Ends before a writing transaction commits: LMDB frees a writer's cursors itself then.
class Cursor {
  public:
    Cursor(MDB_txn* txn, MDB_dbi dbi) { check(mdb_cursor_open(txn, dbi, &cursor_), "mdb_cursor_open"); }
    ~Cursor() { mdb_cursor_close(cursor_); }
    Cursor(const Cursor&) = delete;
    Cursor& operator=(const Cursor&) = delete;
    operator MDB_cursor*() const { return cursor_; }

  private:
    MDB_cursor* cursor_ = nullptr;
};

inline MDB_val val(const void* data, size_t size) { return {size, const_cast<void*>(data)}; }
inline MDB_val val(std::string_view s) { return val(s.data(), s.size()); }
inline std::span<const uint8_t> bytes(const MDB_val& v) {
    return {static_cast<const uint8_t*>(v.mv_data), v.mv_size};
}

}  // namespace penstock::lmdb
