// Talking to the person or script at the other end: data goes to stdout, everything else to stderr.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "admin/cli/commands.h"

namespace CLI {
class App;
}

namespace penstock::cli {

/// A command's end with a message for people. main() prints it and exits with the code.
struct CommandError : std::runtime_error {
    CommandError(ExitCode exit_code, const std::string& what) : std::runtime_error(what), code(exit_code) {}
    ExitCode code;
};

bool stdout_is_terminal();
bool stderr_is_terminal();

/// Colours of stderr; nothing where it is no terminal, or NO_COLOR is set.
enum class Ink { kPlain, kRed, kYellow, kGreen, kDim, kBold };
std::string coloured(Ink ink, std::string_view text, bool to_stdout = false);

/// "penstock: ..." on stderr.
void complain(std::string_view message);
void warn(std::string_view message);

std::string with_commas(uint64_t n);
/// "402K/s", "1.24M/s", "12/s".
std::string short_rate(double per_second);
/// "850 us", "1.2 ms", "3 m 20 s".
std::string short_duration(double seconds);
/// "1.5 GiB".
std::string short_bytes(double bytes);

/// Adds `-o,--output text|json` and keeps what was chosen.
struct OutputFormat {
    std::string name = "text";
    bool json() const { return name == "json"; }
    void add_to(CLI::App& command);
};

/// Writes to stdout; throws CommandError when nobody takes it (a closed pipe ends the program quietly).
void print(std::string_view text);

/// SIGINT and SIGTERM: the first asks the command to end in order, the second ends it at once.
void catch_interrupts();
int interrupts();

}  // namespace penstock::cli
