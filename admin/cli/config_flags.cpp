#include "admin/cli/config_flags.h"

#include <CLI/CLI.hpp>

#include "admin/cli/terminal.h"

namespace penstock::cli {

void ConfigFlags::add_to(CLI::App& command) {
    command
        .add_option("-c,--config", file,
                    "the configuration, a TOML file; without it every key has its default")
        ->envname("PENSTOCK_CONFIG");
    command
        .add_option("--set", overrides,
                    "one key, as section.key=value; wins over the environment and the file")
        ->allow_extra_args(false);
}

Config ConfigFlags::load(ConfigNotes* notes) const {
    std::map<std::string, std::string> flags;
    for (const std::string& entry : overrides) {
        const size_t equals = entry.find('=');
        if (equals == std::string::npos || equals == 0)
            throw CommandError(kUsage, fmt::format("--set \"{}\": write section.key=value", entry));
        flags[entry.substr(0, equals)] = entry.substr(equals + 1);
    }
    ConfigNotes own;
    if (notes == nullptr) notes = &own;
    Config config = load_config(file, flags, notes);
    for (const std::string& warning : notes->warnings) warn(warning);
    return config;
}

}  // namespace penstock::cli
