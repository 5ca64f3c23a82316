// --config and --set, as every command that reads a configuration has them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "admin/config.h"

namespace CLI {
class App;
}

namespace penstock::cli {

struct ConfigFlags {
    std::string file;                    ///< --config, or PENSTOCK_CONFIG
    std::vector<std::string> overrides;  ///< --set section.key=value

    void add_to(CLI::App& command);
    /// Warnings go to stderr. Throws ConfigError (main() prints it; exit code 2) or CommandError.
    Config load(ConfigNotes* notes = nullptr) const;
};

}  // namespace penstock::cli
