// penstock version.
#include <CLI/CLI.hpp>
#include <memory>

#include "admin/cli/terminal.h"

namespace penstock::cli {

void add_version(CLI::App& app, int& exit_code) {
    auto output = std::make_shared<OutputFormat>();
    CLI::App* command = app.add_subcommand("version", "Print the version");
    output->add_to(*command);
    command->callback([output, &exit_code] {
        print(output->json() ? "{\"version\":\"" PENSTOCK_VERSION "\"}\n"
                             : "penstock " PENSTOCK_VERSION "\n");
        exit_code = kOk;
    });
}

}  // namespace penstock::cli
