#include "admin/config.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "admin/config_loader.h"

namespace penstock {

Config load_config(const std::string& path, const std::map<std::string, std::string>& flags,
                   ConfigNotes* notes) {
    ConfigLoader loader;
    if (!path.empty()) loader.read_file(path);
    std::vector<std::string> variables;
    for (char** entry = environ; *entry != nullptr; ++entry)
        if (std::string_view(*entry).starts_with("PENSTOCK_")) variables.emplace_back(*entry);
    loader.read_environment(variables);
    loader.read_flags(flags);
    loader.check();
    if (notes != nullptr) *notes = loader.notes();
    loader.throw_if_faulty();
    return loader.config();
}

}  // namespace penstock
