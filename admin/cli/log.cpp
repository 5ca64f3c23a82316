// penstock log: looks into the hot log, also while an appliance writes it.
#include <CLI/CLI.hpp>
#include <memory>

#include "admin/cli/log_reading.h"

namespace penstock::cli {
namespace {

void add_list(CLI::App& log, int& exit_code) {
    struct Flags {
        LogPlace place;
        OutputFormat output;
        uint64_t limit = 20;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = log.add_subcommand("list", "The newest records, newest first");
    command->footer("Example:\n  penstock log list --data-dir var/data --limit 5");
    command->add_option("--limit", flags->limit, "how many")->capture_default_str();
    flags->place.add_to(*command);
    flags->output.add_to(*command);
    command->callback(
        [flags, &exit_code] { exit_code = list_records(flags->place, flags->limit, flags->output); });
}

void add_show(CLI::App& log, int& exit_code) {
    struct Flags {
        LogPlace place;
        ShowQuery query;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = log.add_subcommand("show", "Events by key, by sequence, or by id and source");
    command->footer(
        "Prints events as JSON lines, oldest first: the CloudEvent, with its sequence, time of receipt, "
        "tenant and\n"
        "region. Records that surely do not hold the key are skipped unread."
        "\n\n"
        "Examples:\n"
        "  penstock log show --key camera-0047\n"
        "  penstock log show --id 7 --source /dev/3 --tenant acme\n"
        "  penstock log show --seq 120044");
    command->add_option("--key", flags->query.key, "events of this subject");
    command->add_option("--seq", flags->query.seq, "the event or dead letter at this log sequence");
    command->add_option("--id", flags->query.id, "the event of this id; with --source");
    command->add_option("--source", flags->query.source, "the event's source");
    command->add_option("--tenant", flags->query.tenant, "whose events")->capture_default_str();
    command->add_option("--limit", flags->query.limit, "at most so many; 0: all")->capture_default_str();
    flags->place.add_to(*command);
    command->callback([flags, &exit_code] { exit_code = show_events(flags->place, flags->query); });
}

void add_verify(CLI::App& log, int& exit_code) {
    struct Flags {
        LogPlace place;
        OutputFormat output;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = log.add_subcommand("verify", "Check every record");
    command->footer(
        "Checks each record's checksum, that sequences follow on from one another, and that stamps rise. "
        "Says which\n"
        "record is the first damaged one. Where the log still has its beginning, replays it and holds the "
        "result\n"
        "against the state that the appliance keeps (deadlines, counts, producers' positions), row by row, "
        "with a\n"
        "digest. May run beside the appliance; it reads the whole log."
        "\n\n"
        "Exit codes: 0 sound, 4 damaged.");
    flags->place.add_to(*command);
    flags->output.add_to(*command);
    command->callback([flags, &exit_code] { exit_code = verify_log(flags->place, flags->output); });
}

}  // namespace

void add_log(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand("log", "Look into the hot log");
    command->require_subcommand(1);
    add_list(*command, exit_code);
    add_show(*command, exit_code);
    add_verify(*command, exit_code);
}

}  // namespace penstock::cli
