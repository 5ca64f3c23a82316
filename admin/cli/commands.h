// The subcommands of `penstock`: each lives in its own file, adds itself to the command line, and leaves its
// exit code where main() finds it. docs/cli.md is the page for people.
#pragma once

namespace CLI {
class App;
}

namespace penstock::cli {

/// What scripts may rely on; docs/cli.md holds the same table.
enum ExitCode : int {
    kOk = 0,
    kFailed = 1,        ///< the job failed, or was partly refused
    kUsage = 2,         ///< wrong flags, wrong configuration
    kUnreachable = 3,   ///< no connection, or it was lost and not regained
    kDamaged = 4,       ///< stored data is not what was written
    kInterrupted = 130  ///< SIGINT or SIGTERM before the job was done
};

void add_serve(CLI::App& app, int& exit_code);
void add_check_config(CLI::App& app, int& exit_code);
void add_config(CLI::App& app, int& exit_code);
void add_send(CLI::App& app, int& exit_code);
void add_generate(CLI::App& app, int& exit_code);
void add_simulate(CLI::App& app, int& exit_code);
void add_log(CLI::App& app, int& exit_code);
void add_deadletter(CLI::App& app, int& exit_code);
void add_alert(CLI::App& app, int& exit_code);
void add_silence(CLI::App& app, int& exit_code);
void add_tenant(CLI::App& app, int& exit_code);
void add_maintenance(CLI::App& app, int& exit_code);
void add_workflow(CLI::App& app, int& exit_code);
void add_audit(CLI::App& app, int& exit_code);
void add_lifecycle(CLI::App& app, int& exit_code);
void add_backup(CLI::App& app, int& exit_code);
void add_restore(CLI::App& app, int& exit_code);
void add_events(CLI::App& app, int& exit_code);
void add_regions(CLI::App& app, int& exit_code);
void add_regions_verify(CLI::App& regions, int& exit_code);
void add_migrate(CLI::App& app, int& exit_code);
void add_tenant_key(CLI::App& app, int& exit_code);
void add_user(CLI::App& app, int& exit_code);
void add_session(CLI::App& app, int& exit_code);
void add_key(CLI::App& app, int& exit_code);
void add_status(CLI::App& app, int& exit_code);
void add_version(CLI::App& app, int& exit_code);

}  // namespace penstock::cli
