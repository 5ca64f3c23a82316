// penstock status: what a running appliance says of itself, on one screen.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <memory>

#include "admin/cli/config_flags.h"
#include "admin/cli/http_call.h"
#include "admin/cli/terminal.h"

namespace penstock::cli {
namespace {

namespace json = boost::json;

/// A member of a document that may be of another version, or for who sees a part: what is missing reads as
/// none or empty.
const json::value& at(const json::value& parent, std::string_view name) {
    static const json::value kNone;
    const json::object* object = parent.if_object();
    const json::value* found = object == nullptr ? nullptr : object->if_contains(name);
    return found == nullptr ? kNone : *found;
}
std::string text(const json::value& v) {
    return v.is_string() ? std::string(v.get_string().c_str()) : std::string();
}
double number(const json::value& v) {
    json::error_code ec;
    const double n = v.is_number() ? v.to_number<double>(ec) : 0;
    return ec ? 0 : n;
}
std::string count(const json::value& v) {
    return v.is_number() ? with_commas(static_cast<uint64_t>(std::max(0.0, number(v)))) : "-";
}
std::string rate(const json::value& v) { return v.is_number() ? short_rate(number(v)) : "-"; }
std::string microseconds(const json::value& v) {
    return v.is_number() ? short_duration(number(v) / 1e6) : "-";
}
const json::array& list(const json::value& v) {
    static const json::array kEmpty;
    return v.is_array() ? v.get_array() : kEmpty;
}

std::string head_text(const json::value& s) {
    const std::string readiness = text(at(s, "readiness"));
    const Ink ink = readiness == "ready" ? Ink::kGreen : readiness == "failed" ? Ink::kRed : Ink::kYellow;
    const json::value& events = at(s, "events");
    const json::value& latency = at(s, "latency");
    const json::value& log = at(s, "log");
    std::string out =
        fmt::format("penstock {}  {}  up {}  {} on {}\n", text(at(s, "version")),
                    coloured(ink, readiness, true), short_duration(number(at(s, "uptime_seconds"))),
                    text(at(at(s, "ingest"), "backend")), text(at(at(s, "ingest"), "address")));
    if (const std::string failure = text(at(s, "failure")); !failure.empty())
        out += coloured(Ink::kRed, failure, true) + "\n";
    out += fmt::format("events   received {} ({})  stored {} ({})  duplicates {}  dead letters {}\n",
                       count(at(events, "received")), rate(at(events, "received_per_second")),
                       count(at(events, "stored")), rate(at(events, "stored_per_second")),
                       count(at(events, "duplicates")), count(at(events, "dead_letters")));
    out += fmt::format("latency  processing p50 {} p99 {}  ack p50 {} p99 {}\n",
                       microseconds(at(at(latency, "processing"), "p50_us")),
                       microseconds(at(at(latency, "processing"), "p99_us")),
                       microseconds(at(at(latency, "ack"), "p50_us")),
                       microseconds(at(at(latency, "ack"), "p99_us")));
    out += fmt::format("log      sequences {} to {}  {} of {}  commits {}  p99 {}\n",
                       count(at(log, "first_seq")), count(at(log, "next_seq")),
                       short_bytes(number(at(log, "bytes_used"))), short_bytes(number(at(log, "bytes_max"))),
                       rate(at(log, "commits_per_second")), microseconds(at(at(log, "commit"), "p99_us")));
    return out;
}

std::string title(const std::string& line) { return "\n" + coloured(Ink::kBold, line, true) + "\n"; }

std::string stages_text(const json::value& s) {
    std::string out = title(fmt::format("{:<10} {:>14} {:>10} {:>6} {:>9} {:>9}", "stage", "events", "rate",
                                        "depth", "p50", "p99"));
    for (const json::value& stage : list(at(s, "stages")))
        out += fmt::format("{:<10} {:>14} {:>10} {:>6} {:>9} {:>9}\n", text(at(stage, "name")),
                           count(at(stage, "events_in")), rate(at(stage, "per_second")),
                           count(at(stage, "depth")), microseconds(at(stage, "p50_us")),
                           microseconds(at(stage, "p99_us")));
    return out;
}

std::string regions_text(const json::value& s) {
    std::string out = title(fmt::format("{:<10} {:>14} {:>10} {:>10} {:>9}  {}", "region", "stored", "rate",
                                        "waiting", "lag", "database"));
    for (const json::value& region : list(at(s, "regions"))) {
        const std::string breaker = text(at(region, "breaker")), error = text(at(region, "error"));
        std::string state = at(region, "configured").is_bool() && !at(region, "configured").get_bool()
                                ? coloured(Ink::kDim, "none: kept in the log", true)
                            : breaker == "closed" ? coloured(Ink::kGreen, "up", true)
                                                  : coloured(Ink::kRed, breaker, true);
        if (!error.empty()) state += "  " + error;
        out += fmt::format("{:<10} {:>14} {:>10} {:>10} {:>9}  {}\n", text(at(region, "name")),
                           count(at(region, "stored")), rate(at(region, "rows_per_second")),
                           count(at(region, "waiting")), short_duration(number(at(region, "lag_seconds"))),
                           state);
    }
    return out;
}

std::string sla_text(const json::value& s) {
    std::string out;
    for (const json::value& workflow : list(at(at(s, "sla"), "workflows"))) {
        out += title(fmt::format("{:<44} {:>9} {:>9} {:>9} {:>9}", "workflow " + text(at(workflow, "name")),
                                 "met", "late", "missed", "pending"));
        for (const json::value& edge : list(at(workflow, "edges"))) {
            const std::string name =
                fmt::format("{} to {} within {}", text(at(edge, "from")), text(at(edge, "to")),
                            short_duration(number(at(edge, "within_ms")) / 1e3));
            out +=
                fmt::format("{:<44} {:>9} {:>9} {:>9} {:>9}\n", name, count(at(edge, "met")),
                            count(at(edge, "late")), count(at(edge, "missed")), count(at(edge, "pending")));
        }
    }
    return out;
}

std::string dead_letters_text(const json::value& s) {
    const json::array& causes = list(at(s, "dead_letters"));
    if (causes.empty()) return {};
    std::string out = title(fmt::format("{:<16} {:>12}", "dead letters", "count"));
    for (const json::value& cause : causes)
        out += fmt::format("{:<16} {:>12}  {}\n", text(at(cause, "cause")), count(at(cause, "count")),
                           coloured(Ink::kDim, text(at(cause, "help")), true));
    return out;
}

struct Flags {
    ServerFlag from;
    ConfigFlags config;
    OutputFormat output;
};

int run(const Flags& flags) {
    const ApiAddress address = appliance_at(flags.from, "--from", flags.config);
    const HttpReply reply = http_get(address, "/api/v1/status");
    json::error_code failed;
    const json::value status = json::parse(reply.body, failed);
    if (reply.status != 200 || failed)
        throw CommandError(kFailed, fmt::format("{} answers with status {} and no status document",
                                                address.text(), reply.status));
    if (flags.output.json())
        print(reply.body + "\n");
    else
        print(head_text(status) + stages_text(status) + regions_text(status) + sla_text(status) +
              dead_letters_text(status));
    return text(at(status, "readiness")) == "failed" ? kFailed : kOk;
}

}  // namespace

void add_status(CLI::App& app, int& exit_code) {
    auto flags = std::make_shared<Flags>();
    CLI::App* command = app.add_subcommand("status", "What a running appliance says of itself");
    command->footer(
        "Asks a running appliance over HTTP for its rates, latencies, regions and deadlines."
        "\n\n"
        "Examples:\n"
        "  penstock status\n"
        "  penstock status --from 10.0.0.7:3000 -o json | jq .regions\n"
        "Exit codes: 0 it answers, 1 it answers that it has failed, 3 it does not answer.");
    flags->from.add_to(*command, "--from");
    flags->config.add_to(*command);
    flags->output.add_to(*command);
    command->callback([flags, &exit_code] { exit_code = run(*flags); });
}

}  // namespace penstock::cli
