// The one program. Every subcommand is a file of its own; docs/cli.md tells of them and of the exit codes.
#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>

#include "admin/cli/commands.h"
#include "admin/cli/terminal.h"
#include "admin/config.h"

int main(int argc, char** argv) {
    using namespace penstock::cli;
    std::signal(SIGPIPE, SIG_IGN);

    CLI::App app(
        "Penstock: takes in events over TCP, watches their deadlines, and stores each once in its region.");
    app.name("penstock");
    app.require_subcommand(1);
    app.footer(
        "`penstock COMMAND --help` explains each. Data goes to stdout, messages to stderr.\n"
        "Exit codes: 0 done, 1 failed or partly refused, 2 wrong flags or configuration, 3 no connection,\n"
        "4 stored data is damaged, 130 interrupted.");
    int exit_code = kOk;
    add_serve(app, exit_code);
    add_check_config(app, exit_code);
    add_config(app, exit_code);
    add_send(app, exit_code);
    add_generate(app, exit_code);
    add_simulate(app, exit_code);
    add_log(app, exit_code);
    add_alert(app, exit_code);
    add_silence(app, exit_code);
    add_tenant(app, exit_code);
    add_maintenance(app, exit_code);
    add_deadletter(app, exit_code);
    add_workflow(app, exit_code);
    add_lifecycle(app, exit_code);
    add_audit(app, exit_code);
    add_backup(app, exit_code);
    add_restore(app, exit_code);
    add_events(app, exit_code);
    add_regions(app, exit_code);
    add_migrate(app, exit_code);
    add_tenant_key(app, exit_code);
    add_user(app, exit_code);
    add_session(app, exit_code);
    add_key(app, exit_code);
    add_status(app, exit_code);
    add_version(app, exit_code);

    // CLI11 would only say that a command is missing.
    if (argc > 1 && argv[1][0] != '-' &&
        app.get_subcommands([&](CLI::App* command) { return command->check_name(argv[1]); }).empty()) {
        complain(fmt::format("unknown command \"{}\"; `penstock --help` lists all", argv[1]));
        return kUsage;
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? kOk : kUsage;
    } catch (const CommandError& e) {
        complain(e.what());
        return e.code;
    } catch (const penstock::ConfigError& e) {
        fmt::print(stderr, "{}\n", e.what());
        complain("the configuration has faults; see above");
        return kUsage;
    } catch (const std::exception& e) {
        complain(e.what());
        return kFailed;
    }
    return exit_code;
}
