// penstock backup, penstock restore: a data folder copied, also while an appliance runs on it, and put back.
#include "storage/backup.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "admin/cli/event_text.h"
#include "admin/cli/log_reading.h"
#include "admin/data_folder.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

struct Flags {
    std::string backup, data_dir;
    ConfigFlags config;
    OutputFormat output;

    void add_to(CLI::App& command, const char* what) {
        command.add_option("DIR", backup, what)->required();
        command.add_option("--data-dir", data_dir,
                           "the appliance's data folder; without it that of the configuration");
        config.add_to(command);
        output.add_to(command);
    }
    std::string folder() const { return data_dir.empty() ? config.load().data_dir : data_dir; }
};

BackupProgress progress_line() {
    if (!stderr_is_terminal()) return [](uint64_t, uint64_t) {};
    return [](uint64_t bytes, uint64_t bytes_max) {
        fmt::print(stderr, "\r{} of at most {}   ", short_bytes(static_cast<double>(bytes)),
                   short_bytes(static_cast<double>(bytes_max)));
    };
}
void end_progress_line() {
    if (stderr_is_terminal()) fmt::print(stderr, "\r{:50}\r", "");
}

std::string result_text(const Flags& flags, const BackupManifest& m, std::string_view done) {
    const std::string received = m.last_stamp_ns == 0 ? "" : format_rfc3339(m.last_stamp_ns);
    if (flags.output.json())
        return fmt::format(
            "{{\"log_id\":\"{}\",\"first_seq\":{},\"next_seq\":{},\"records\":{},\"last_received\":{},"
            "\"applied_seq\":{},\"bytes\":{}}}\n",
            m.log_id, m.first_seq, m.next_seq, m.records, received.empty() ? "null" : json_string(received),
            m.applied_seq, m.log.bytes + m.state.bytes);
    return fmt::format("{}: {} records, sequences {} to {}{}, {}\n", done, with_commas(m.records),
                       m.first_seq, m.next_seq - 1, received.empty() ? "" : ", received until " + received,
                       short_bytes(static_cast<double>(m.log.bytes + m.state.bytes)));
}

int run_backup(const Flags& flags) {
    std::string target = flags.backup;
    while (target.size() > 1 && target.ends_with('/')) target.pop_back();
    const std::string folder = flags.folder();
    // Copying follows pages, and a damaged one can end the process.
    return run_guarded([&](GuardedProgress&) -> int {
        const BackupManifest manifest = back_up(folder, target, PENSTOCK_VERSION, progress_line());
        end_progress_line();
        print(result_text(flags, manifest, "backed up to " + target));
        return kOk;
    });
}

int run_restore(const Flags& flags) {
    const std::string path = flags.folder();
    const BackupManifest manifest = read_manifest(flags.backup);
    const DataFolder folder(path);  // throws when an appliance runs on it
    for (const auto& entry : fs::directory_iterator(path))
        if (entry.path().filename() != "lock")
            throw CommandError(kFailed, fmt::format("{} is not empty: it holds {}; restore into a new folder",
                                                    path, entry.path().filename().string()));
    const std::string staging = folder.sub("restoring");
    fs::create_directory(staging);
    fs::permissions(staging, fs::perms::owner_all);
    try {
        copy_back(flags.backup, manifest, staging, progress_line());
        end_progress_line();
        LogPlace place;
        place.data_dir = staging;
        if (const int code = verify_log(place, flags.output, true); code != kOk)
            throw CommandError(static_cast<ExitCode>(code),
                               "the backup's log is damaged; take another backup");
        fs::remove(staging + "/log/lock.mdb"), fs::remove(staging + "/state/lock.mdb");
        // A state without its log is refused at the start; a log without its state would only be slow.
        rename_durably(staging + "/state", folder.sub("state"));
        rename_durably(staging + "/log", folder.sub("log"));
        fs::remove(staging);
    } catch (const LogError& e) {
        fs::remove_all(staging);
        throw CommandError(kDamaged, e.what());
    } catch (...) {
        std::error_code ignored;
        fs::remove_all(staging, ignored);
        throw;
    }
    print(result_text(flags, manifest, "restored to " + path));
    fmt::print(stderr,
               "What came in after this is not in the restored log. A region that has stored some of it (its "
               "ledger is ahead)\nwill take nothing from this log, and say so in `penstock status`; "
               "docs/operating.md, "
               "\"Backup and restore\", tells what to do.\n");
    return kOk;
}

}  // namespace

void add_backup(CLI::App& app, int& exit_code) {
    auto flags = std::make_shared<Flags>();
    CLI::App* command =
        app.add_subcommand("backup", "Copy a data folder, also while an appliance runs on it");
    command->footer(
        "Makes the folder DIR with a consistent copy of the log and the checkpoints, and is done when it is "
        "on "
        "disk.\nUntil then it is named DIR.partial. The copy holds everything that was durable when it began."
        "\n\n"
        "Examples:\n"
        "  penstock backup /backup/penstock-2026-01-31 --config penstock.toml\n"
        "Exit codes: 0 done, 1 failed, 4 the log is damaged.");
    flags->add_to(*command, "the backup, a folder that does not exist yet");
    command->callback([flags, &exit_code] { exit_code = run_backup(*flags); });
}

void add_restore(CLI::App& app, int& exit_code) {
    auto flags = std::make_shared<Flags>();
    CLI::App* command = app.add_subcommand("restore", "Put a backup into a new data folder");
    command->footer(
        "Checks the backup against its manifest and every record of its log before anything is in place. "
        "Refuses "
        "a folder\nthat is not empty, or on which an appliance runs."
        "\n\n"
        "Examples:\n"
        "  penstock restore /backup/penstock-2026-01-31 --data-dir /var/lib/penstock\n"
        "Exit codes: 0 done, 1 failed, 4 the backup is damaged.");
    flags->add_to(*command, "the backup");
    command->callback([flags, &exit_code] { exit_code = run_restore(*flags); });
}

}  // namespace penstock::cli
