// penstock tenant-key: a new API key, shown once, and the line for the configuration.
#include <CLI/CLI.hpp>
#include <memory>

#include "admin/cli/event_text.h"
#include "admin/cli/terminal.h"
#include "pipeline/api_key.h"

namespace penstock::cli {

void add_tenant_key(CLI::App& app, int& exit_code) {
    struct Flags {
        std::string tenant;
        OutputFormat output;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = app.add_subcommand("tenant-key", "Make an API key for a tenant");
    command->footer(
        "Makes a random API key. The key is printed once, for the producer; the configuration holds only its "
        "hash, "
        "from\nwhich the key cannot be had back. To change a tenant's key, make a new one and replace the "
        "hash."
        "\n\n"
        "Example:\n  penstock tenant-key acme");
    command->add_option("NAME", flags->tenant, "the tenant")->required();
    flags->output.add_to(*command);
    command->callback([flags, &exit_code] {
        const std::string key = make_api_key();
        const std::string hash = hash_api_key(key);
        if (flags->output.json()) {
            print(fmt::format("{{\"tenant\":{},\"key\":\"{}\",\"key_hash\":\"{}\"}}\n",
                              json_string(flags->tenant), key, hash));
        } else {
            fmt::print(
                stderr,
                "The key, shown this once; give it to the producer (--api-key-file, PENSTOCK_API_KEY):\n");
            print(fmt::format("{}\n", key));
            fmt::print(stderr, "\nFor the configuration:\n");
            print(
                fmt::format("[[tenant]]\nname = {}\nkey_hash = \"{}\"\n", json_string(flags->tenant), hash));
        }
        exit_code = kOk;
    });
}

}  // namespace penstock::cli
