// `penstock events search | stats | export`: all events, wherever they lie.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <memory>

#include "admin/cli/json_members.h"
#include "admin/cli/letter_source.h"
#include "admin/cli/place.h"
#include "admin/http/text.h"

namespace penstock::cli {
namespace {

namespace json = boost::json;

/// What is asked; names are those of the API.
struct Filter {
    Place place;
    std::vector<std::pair<std::string, std::string>> values{{"key", ""},
                                                            {"type", ""},
                                                            {"tenant", ""},
                                                            {"region", ""},
                                                            {"text", ""},
                                                            {"state", ""},
                                                            {"from", ""},
                                                            {"to", ""},
                                                            {"time_from", ""},
                                                            {"time_to", ""},
                                                            {"sort", ""},
                                                            {"order", ""},
                                                            {"severity_at_least", ""},
                                                            {"timeout_ms", ""},
                                                            {"group", ""},
                                                            {"format", ""},
                                                            {"partial", ""}};

    std::string& value(std::string_view name) {
        return std::find_if(values.begin(), values.end(), [&](const auto& v) { return v.first == name; })
            ->second;
    }
    void add_to(CLI::App& command) {
        place.add_to(command);
        command.add_option("--key", value("key"), "exactly this correlation key (subject)");
        command.add_option("--type", value("type"), "exactly this event type");
        command.add_option("--tenant", value("tenant"), "exactly this tenant");
        command.add_option("--region", value("region"), "this region alone");
        command.add_option("--text", value("text"), "a part of the payload, as the producer wrote it");
        command.add_option("--state", value("state"), "waiting or stored");
        command.add_option("--severity-at-least", value("severity_at_least"), "1 to 5");
        command.add_option("--from", value("from"), "received then or later (RFC 3339)");
        command.add_option("--to", value("to"), "received before");
        command.add_option("--time-from", value("time_from"), "of this time, the producer's, or a later one");
        command.add_option("--time-to", value("time_to"), "of an earlier time");
        command.add_option("--timeout-ms", value("timeout_ms"), "how long regions may take, default 2000");
    }
    void add_order_to(CLI::App& command) {
        command.add_option("--sort", value("sort"), "received (default) or time");
        command.add_option("--order", value("order"), "newest (default) or oldest");
    }
    std::string target(std::string_view path) const {
        std::string out(path);
        for (const auto& [name, text] : values)
            if (!text.empty())
                out += fmt::format("{}{}={}", out.find('?') == std::string::npos ? '?' : '&', name,
                                   http::percent_encode(text));
        return out;
    }
    json::object get(const std::string& target) const { return place.get(target); }
};

/// The exit code that fits, after telling who is missing.
int tell_missing(const json::object& answer) {
    for (const json::value& v : list_at(answer, "missing")) {
        const json::object& missing = v.as_object();
        const std::string since = text_at(missing, "since");
        const std::string region = text_at(missing, "region");
        complain(fmt::format("without {}: {}{}", region.empty() ? "the hot log" : region,
                             one_line(text_at(missing, "why")),
                             since.empty() ? "" : fmt::format(" (since {} UTC)", short_time(since))));
    }
    return list_at(answer, "missing").empty() ? kOk : kFailed;
}

std::string event_line(const json::object& found) {
    const json::value* v = found.if_contains("event");
    const json::object& event = v && v->is_object() ? v->get_object() : found;
    const json::value* data = event.if_contains("data");
    return one_line(fmt::format("{} UTC  {:<6} {:>10}  {:<24}  {:<20}  {}",
                                short_time(text_at(found, "received")), text_at(found, "region"),
                                number_at(found, "seq"), text_at(event, "type"), text_at(event, "subject"),
                                data                         ? json::serialize(*data)
                                : found.contains("withheld") ? "(payload stays in its region)"
                                                             : "")) +
           "\n";
}

int search(Filter& filter, uint64_t limit) {
    std::string target = filter.target("/api/v1/events/search");
    int code = kOk;
    for (uint64_t left = limit; left > 0;) {
        const uint64_t page = std::min<uint64_t>(left, 1'000);
        if (left == limit)
            target += fmt::format("{}limit={}", target.find('?') == std::string::npos ? '?' : '&', page);
        const json::object answer = filter.get(target);
        std::string out;
        for (const json::value& item : list_at(answer, "items"))
            out += filter.place.output.json() ? json::serialize(item) + "\n" : event_line(item.as_object());
        print(out);
        code = std::max(code, tell_missing(answer));
        left -= std::min<uint64_t>(left, list_at(answer, "items").size());
        target = text_at(answer, "next");
        if (target.empty()) break;
    }
    return code;
}

int statistics(Filter& filter) {
    const json::object answer = filter.get(filter.target("/api/v1/events/stats"));
    std::string text;
    for (const json::value& v : list_at(answer, "groups")) {
        const json::object& group = v.as_object();
        std::string names;
        if (group.contains("begin")) names += short_time(text_at(group, "begin")) + "  ";
        for (const char* name : {"region", "tenant", "type"})
            if (group.contains(name)) names += fmt::format("{:<16}  ", text_at(group, name));
        if (group.contains("severity")) names += fmt::format("severity {}  ", number_at(group, "severity"));
        text += one_line(fmt::format("{}{:>14}", names, with_commas(number_at(group, "events")))) + "\n";
    }
    text += coloured(Ink::kBold, fmt::format("{} events\n", with_commas(number_at(answer, "events"))), true);
    filter.place.show(answer, text);
    if (const json::value* cut = answer.if_contains("cut"); cut && cut->is_bool() && cut->get_bool())
        warn("there are more groups; ask for a shorter span");
    return tell_missing(answer);
}

int export_all(Filter& filter) {
    const ApiAddress appliance = appliance_at(filter.place.server, "--server", filter.place.config);
    const HttpReply reply = http_stream(appliance, filter.target("/api/v1/events/export"), 60,
                                        [](std::string_view piece) { print(piece); });
    if (reply.status != 200) throw CommandError(kFailed, problem_text(reply));
    return kOk;
}

}  // namespace

void add_events(CLI::App& app, int& exit_code) {
    CLI::App* events = app.add_subcommand("events", "Events of the hot log and all regions as one");
    events->require_subcommand(1);
    events->footer(
        "Examples:\n"
        "  penstock events search --key order-4711\n"
        "  penstock events search --type intrusion_detection --severity-at-least 4 --limit 500 -o json\n"
        "  penstock events stats --group region,hour --from 2026-01-31T00:00:00Z\n"
        "  penstock events export --format csv --region eu > eu.csv\n\n"
        "Exit codes: 0 done, 1 without a region that did not answer (stderr says which), 3 the appliance "
        "does\n"
        "not answer.");

    auto asked = std::make_shared<Filter>();
    auto limit = std::make_shared<uint64_t>(50);
    CLI::App* find = events->add_subcommand("search", "List events, the newest first");
    asked->add_to(*find);
    asked->add_order_to(*find);
    find->add_option("--limit", *limit, "at most so many, default 50");
    find->callback([asked, limit, &exit_code] { exit_code = search(*asked, *limit); });

    auto counted = std::make_shared<Filter>();
    CLI::App* count = events->add_subcommand("stats", "Count events by group");
    counted->add_to(*count);
    count->add_option("--group", counted->value("group"),
                      "of region, tenant, type, severity, and one of minute, hour, day; with commas");
    count->callback([counted, &exit_code] { exit_code = statistics(*counted); });

    auto exported = std::make_shared<Filter>();
    CLI::App* all = events->add_subcommand("export", "Write all events that match to stdout");
    exported->add_to(*all);
    exported->add_order_to(*all);
    all->add_option("--format", exported->value("format"), "ndjson (default) or csv");
    all->add_option("--partial", exported->value("partial"), "true: also without regions that do not answer");
    all->callback([exported, &exit_code] { exit_code = export_all(*exported); });
}

}  // namespace penstock::cli
