// penstock check-config and penstock config.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "admin/cli/config_flags.h"
#include "admin/cli/event_text.h"
#include "admin/cli/terminal.h"
#include "admin/config_keys.h"

namespace penstock::cli {
namespace {

std::string json_list(const std::vector<std::string>& items) {
    std::string out = "[";
    for (const std::string& item : items) out += (out.size() > 1 ? "," : "") + json_string(item);
    return out + "]";
}

std::string settings_json(const ConfigNotes& notes) {
    std::string out = "[";
    for (const auto& s : notes.settings)
        out += fmt::format("{}{{\"key\":{},\"value\":{},\"origin\":{}}}", out.size() > 1 ? "," : "",
                           json_string(s.key), json_string(s.value), json_string(s.origin));
    return out + "]";
}

void print_settings(const ConfigNotes& notes) {
    size_t key_width = 0, value_width = 0;
    for (const auto& s : notes.settings) {
        key_width = std::max(key_width, s.key.size());
        value_width = std::max(value_width, std::min<size_t>(s.value.size(), 48));
    }
    std::string out;
    for (const auto& s : notes.settings)
        out += fmt::format("{:<{}}  {:<{}}  {}\n", s.key, key_width, s.value, value_width,
                           coloured(Ink::kDim, s.origin, true));
    print(out);
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (size_t at = 0; at < text.size();) {
        const size_t end = std::min(text.find('\n', at), text.size());
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

}  // namespace

void add_check_config(CLI::App& app, int& exit_code) {
    struct Flags {
        ConfigFlags config;
        OutputFormat output;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = app.add_subcommand("check-config", "Check a configuration and show what holds");
    command->footer(
        "Checks the file, the environment and the flags together and shows every key with its value and "
        "where that\n"
        "came from. All faults are named, each with file, line and key."
        "\n\n"
        "Examples:\n"
        "  penstock check-config --config penstock.toml\n"
        "  penstock check-config --config penstock.toml --set log.bytes_max=8GiB -o json\n"
        "Exit codes: 0 the configuration is sound, 2 it is not.");
    flags->config.add_to(*command);
    flags->output.add_to(*command);
    command->callback([flags, &exit_code] {
        ConfigNotes notes;
        try {
            flags->config.load(&notes);
        } catch (const ConfigError& e) {
            if (!flags->output.json()) throw;
            print(fmt::format("{{\"valid\":false,\"faults\":{},\"warnings\":{}}}\n",
                              json_list(lines_of(e.what())), json_list(notes.warnings)));
            exit_code = kUsage;
            return;
        }
        if (flags->output.json())
            print(fmt::format("{{\"valid\":true,\"faults\":[],\"warnings\":{},\"settings\":{}}}\n",
                              json_list(notes.warnings), settings_json(notes)));
        else
            print_settings(notes);
        exit_code = kOk;
    });
}

void add_config(CLI::App& app, int& exit_code) {
    auto reference = std::make_shared<bool>(false);
    CLI::App* command =
        app.add_subcommand("config", "Print a commented configuration with every key at its default");
    command->footer("Example:\n  penstock config > penstock.toml");
    auto defaults = std::make_shared<bool>(true);
    command->add_flag("--print-defaults", *defaults, "the whole file (what happens without flags, too)");
    command->add_flag("--print-reference", *reference, "the tables of docs/configuration.md instead");
    command->callback([reference, defaults, &exit_code] {
        print(*reference ? config_reference_markdown() : default_config_text());
        exit_code = kOk;
    });
}

}  // namespace penstock::cli
