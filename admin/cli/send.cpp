// penstock send: a file of events to an appliance.
#include <CLI/CLI.hpp>
#include <memory>

#include "admin/cli/send_job.h"

namespace penstock::cli {

void add_send(CLI::App& app, int& exit_code) {
    struct Flags {
        SendJob job;
        std::string file;
        FileLines::Options lines;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command =
        app.add_subcommand("send", "Send events to an appliance and wait until they are durable");
    command->footer(
        "Sends CloudEvents, one JSON object a line, over TCP and waits until the appliance has stored them.\n"
        "The file may be gzip; - is stdin. Refused events are named by their line."
        "\n\n"
        "Examples:\n"
        "  penstock send events.ndjson.gz\n"
        "  tail -F events.ndjson | penstock send - --producer feed-1\n"
        "  penstock send last-year.ndjson.gz --backfill\n"
        "  penstock send events.ndjson --rate 100K/s --binary -o json\n"
        "Exit codes: 0 all stored, 1 some refused, 2 wrong flags, 3 no connection, 130 interrupted.");
    command->add_option("FILE", flags->file, "events, one JSON object a line, plain or gzip; - for stdin")
        ->required();
    command->add_option("--repeat", flags->lines.repeat, "send the file so many times")
        ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 40))
        ->capture_default_str();
    command->add_option("--region", flags->lines.region, "set this region in every event");
    command->add_flag("--backfill", flags->job.backfill,
                      "the events are history: deadlines are judged by the events' own times, and nobody is "
                      "alerted");
    flags->job.add_flags(*command);
    command->callback([flags, &exit_code] {
        FileLines lines(flags->file, flags->lines);
        exit_code = flags->job.run(lines);
    });
}

}  // namespace penstock::cli
