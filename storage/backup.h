// A consistent copy of a data folder, also while an appliance writes it, and back.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "schemas/log_record.h"

namespace penstock {

/// What a backup says of itself, in its file `manifest.json`.
struct BackupManifest {
    struct File {
        uint64_t bytes = 0;
        std::string xxh3;  ///< XXH3-64 of all bytes, hexadecimal
    };
    std::string log_id, version;
    Seq first_seq = 1, next_seq = 1;  ///< of the log
    uint64_t records = 0;
    StampNs last_stamp_ns = 0;  ///< received time of the log's last item; 0: it has none
    Seq applied_seq = 1;        ///< the state holds everything below
    File log, state;
};

/// How far it has come, and of how much at most; called a few times a second at most.
using BackupProgress = std::function<void(uint64_t bytes, uint64_t bytes_max)>;

/// Copies data_dir/log and data_dir/state to `target`, which must not exist, by way of `target`.partial; it
/// is on disk on return. State first: its rows are then in the log that is copied after it. Throws
/// std::runtime_error (LogError) saying what to do; what was copied is removed then.
BackupManifest back_up(const std::string& data_dir, const std::string& target, const std::string& version,
                       const BackupProgress& progress);

/// Throws std::runtime_error where `backup` is none, or not whole.
BackupManifest read_manifest(const std::string& backup);

/// Copies the backup's files into the folder `to` (log/ and state/ in it), checks length and checksum on the
/// way, and syncs them. Throws std::runtime_error.
void copy_back(const std::string& backup, const BackupManifest& manifest, const std::string& to,
               const BackupProgress& progress);

/// Renames, durably: both names are in one file system. Throws std::runtime_error.
void rename_durably(const std::string& from, const std::string& to);

}  // namespace penstock
