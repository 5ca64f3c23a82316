// penstock serve: the appliance.
#include <CLI/CLI.hpp>
#include <memory>

#include "admin/appliance.h"
#include "admin/cli/config_flags.h"
#include "admin/cli/terminal.h"
#include "admin/data_folder.h"

namespace penstock::cli {

void add_serve(CLI::App& app, int& exit_code) {
    struct Flags {
        ConfigFlags config;
        StartOptions start;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = app.add_subcommand("serve", "Run the appliance");
    command->footer(
        "Takes in events, watches their deadlines, and stores each once in its region, until SIGTERM or "
        "SIGINT."
        "\n\n"
        "Examples:\n"
        "  penstock config > penstock.toml && penstock serve --config penstock.toml\n"
        "  penstock serve --set ingest.listen=0.0.0.0:7400 --set data_dir=/var/lib/penstock\n"
        "  penstock serve --config new.toml --wait    # an upgrade: takes over when the other has stopped\n"
        "Exit codes: 0 stopped in order, 1 failed, 2 the configuration has faults.");
    flags->config.add_to(*command);
    command->add_flag("--accept-partial-state", flags->start.accept_partial_state,
                      "start although state/ is gone and the log, which has been trimmed, cannot rebuild all "
                      "of it");
    // A flag, so that --wait alone takes no word behind it; the value is the one in braces then.
    command->add_flag(fmt::format("--wait{{{}}}", DataFolder::kForever), flags->start.wait_s,
                      "wait for an appliance that runs on the data folder to end; --wait=SECONDS: so long at "
                      "most");
    command->callback([flags, &exit_code] {
        if (flags->start.wait_s < DataFolder::kForever)
            throw CommandError(kUsage, "--wait takes a number of seconds from 0");
        ConfigNotes notes;
        const Config config = flags->config.load(&notes);
        flags->start.settings = std::move(notes.settings);
        exit_code = run_appliance(config, flags->start);
    });
}

}  // namespace penstock::cli
