// penstock lifecycle: what one key went through, and what it still owes.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <memory>

#include "admin/cli/json_members.h"
#include "admin/cli/place.h"
#include "admin/http/text.h"

namespace penstock::cli {
namespace {

namespace json = boost::json;

int64_t signed_at(const json::object& o, std::string_view name) {
    const json::value* v = o.if_contains(name);
    return v && v->is_int64() ? v->get_int64() : 0;
}

std::string span_text(int64_t ms) {
    return (ms < 0 ? "-" : "") + short_duration(static_cast<double>(ms < 0 ? -ms : ms) / 1e3);
}

std::string hop_line(const json::object& h) {
    std::string line = fmt::format("  {} UTC  {:<24}", short_time(text_at(h, "time")), text_at(h, "stage"));
    if (h.contains("since_previous_ms"))
        line += fmt::format("  after {}", span_text(signed_at(h, "since_previous_ms")));
    for (const json::value& v : list_at(h, "settled")) {
        const json::object& s = v.as_object();
        const int64_t late_ms = signed_at(s, "late_by_ms");
        line += late_ms > 0
                    ? fmt::format("; {} late by {}", text_at(s, "rule"), span_text(late_ms))
                    : fmt::format("; {} met with {} to spare", text_at(s, "rule"), span_text(-late_ms));
    }
    if (const std::string verdict = text_at(h, "verdict"); !verdict.empty()) line += "; " + verdict;
    return one_line(std::move(line)) + "\n";
}

std::string life_text(const json::object& life) {
    std::string out = coloured(
        Ink::kBold,
        one_line(fmt::format("{} version {}, {}: {}", text_at(life, "workflow"), number_at(life, "version"),
                             text_at(life, "subject"), text_at(life, "state"))) +
            "\n",
        true);
    for (const json::value& hop : list_at(life, "hops")) out += hop_line(hop.as_object());
    for (const json::value& v : list_at(life, "rules")) {
        const json::object& r = v.as_object();
        if (text_at(r, "phase") == "idle") continue;
        out += one_line(fmt::format("  {:<17}  {}, due {} UTC", text_at(r, "phase"), text_at(r, "name"),
                                    short_time(text_at(r, "deadline")))) +
               "\n";
    }
    for (const json::value& v : list_at(life, "alerts")) {
        const json::object& a = v.as_object();
        out += one_line(fmt::format("  alert {} {} severity {}: {}", text_at(a, "id"), text_at(a, "state"),
                                    number_at(a, "severity"), text_at(a, "rule"))) +
               "\n";
        for (const json::value& step : list_at(a, "steps")) {
            const json::object& s = step.as_object();
            const std::string note = text_at(s, "note").empty() ? "" : ": " + text_at(s, "note");
            out += one_line(fmt::format("    {}  {} by {}{}", short_time(text_at(s, "at")),
                                        text_at(s, "step"), text_at(s, "by"), note)) +
                   "\n";
        }
    }
    return out;
}

}  // namespace

void add_lifecycle(CLI::App& app, int& exit_code) {
    struct Flags {
        Place place;
        std::string key, workflow, tenant;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = app.add_subcommand("lifecycle", "What one key went through, and what it still owes");
    command->footer(
        "Each event with the time since the one before, the rules that it settled, what is pending or "
        "missed, "
        "and the alerts.\n\n"
        "Examples:\n"
        "  penstock lifecycle order-4711\n"
        "  penstock lifecycle order-4711 --workflow orders -o json\n\n"
        "Exit codes: 0 found, 1 no workflow knows the key, 3 the appliance does not answer.");
    command->add_option("KEY", flags->key, "the subject, or what the workflow's key selects")->required();
    command->add_option("--workflow", flags->workflow, "of this workflow; without it of all");
    command->add_option("--tenant", flags->tenant, "of this tenant; without it default");
    flags->place.add_to(*command);
    command->callback([flags, &exit_code] {
        std::string target = "/api/v1/lifecycle?key=" + http::percent_encode(flags->key);
        const std::pair<const char*, const std::string*> filters[] = {{"workflow", &flags->workflow},
                                                                      {"tenant", &flags->tenant}};
        for (const auto& [name, value] : filters)
            if (!value->empty()) target += fmt::format("&{}={}", name, http::percent_encode(*value));
        const json::object answer = flags->place.get(target);
        const json::array& items = list_at(answer, "items");
        std::string text;
        for (const json::value& item : items) text += life_text(item.as_object());
        flags->place.show(answer, text);
        if (items.empty()) complain(fmt::format("no workflow that runs knows the key {}", flags->key));
        exit_code = items.empty() ? kFailed : kOk;
    });
}

}  // namespace penstock::cli
