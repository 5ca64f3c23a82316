#include "admin/cli/terminal.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace penstock::cli {
namespace {

volatile std::sig_atomic_t interrupt_count = 0;

void on_interrupt(int) {
    interrupt_count = interrupt_count + 1;
    if (interrupt_count > 1) _exit(kInterrupted);
}

}  // namespace

bool stdout_is_terminal() { return isatty(STDOUT_FILENO) != 0; }
bool stderr_is_terminal() { return isatty(STDERR_FILENO) != 0; }

std::string coloured(Ink ink, std::string_view text, bool to_stdout) {
    const char* no_color = std::getenv("NO_COLOR");
    const bool terminal = to_stdout ? stdout_is_terminal() : stderr_is_terminal();
    if (ink == Ink::kPlain || !terminal || (no_color != nullptr && *no_color != 0)) return std::string(text);
    const char* code = "";
    switch (ink) {
        case Ink::kRed:
            code = "31";
            break;
        case Ink::kYellow:
            code = "33";
            break;
        case Ink::kGreen:
            code = "32";
            break;
        case Ink::kDim:
            code = "2";
            break;
        case Ink::kBold:
            code = "1";
            break;
        case Ink::kPlain:
            break;
    }
    return fmt::format("\033[{}m{}\033[0m", code, text);
}

void complain(std::string_view message) {
    fmt::print(stderr, "{} {}\n", coloured(Ink::kRed, "penstock:"), message);
}
void warn(std::string_view message) {
    fmt::print(stderr, "{} {}\n", coloured(Ink::kYellow, "penstock: warning:"), message);
}

std::string with_commas(uint64_t n) {
    std::string digits = std::to_string(n);
    for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
    return digits;
}

std::string short_rate(double per_second) {
    if (per_second >= 1e6) return fmt::format("{:.2f}M/s", per_second / 1e6);
    if (per_second >= 1e4) return fmt::format("{:.0f}K/s", per_second / 1e3);
    if (per_second >= 100) return fmt::format("{:.0f}/s", per_second);
    return fmt::format("{:.3g}/s", per_second);
}

std::string short_duration(double seconds) {
    if (seconds < 1e-3) return fmt::format("{:.0f} us", seconds * 1e6);
    if (seconds < 1) return fmt::format("{:.3g} ms", seconds * 1e3);
    if (seconds < 60) return fmt::format("{:.3g} s", seconds);
    const auto whole = static_cast<uint64_t>(seconds);
    if (whole < 3600) return fmt::format("{} m {} s", whole / 60, whole % 60);
    if (whole < 86'400) return fmt::format("{} h {} m", whole / 3600, whole / 60 % 60);
    return fmt::format("{} d {} h", whole / 86'400, whole / 3600 % 24);
}

std::string short_bytes(double bytes) {
    constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t unit = 0;
    while (bytes >= 1024 && unit + 1 < std::size(kUnits)) {
        bytes /= 1024;
        ++unit;
    }
    return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.3g} {}", bytes, kUnits[unit]);
}

void OutputFormat::add_to(CLI::App& command) {
    command.add_option("-o,--output", name, "text for people, json for scripts")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
}

void print(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return;
    if (errno == EPIPE) std::_Exit(kOk);  // `penstock log show | head` is no failure
    throw CommandError(kFailed, "cannot write the output");
}

void catch_interrupts() {
    struct sigaction action{};
    action.sa_handler = on_interrupt;  // without SA_RESTART: a waiting poll is to return
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

int interrupts() { return interrupt_count; }

}  // namespace penstock::cli
