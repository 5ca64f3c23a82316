// penstock alert: what is overdue, and who has it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <memory>

#include "admin/cli/commands.h"
#include "admin/cli/json_members.h"
#include "admin/cli/place.h"
#include "admin/cli/terminal.h"
#include "admin/http/text.h"

namespace penstock::cli {
namespace {

namespace json = boost::json;

// --- alert ------------------------------------------------------------------------------------------------

std::string alert_head() {
    return coloured(Ink::kBold,
                    fmt::format("{:<16}  {:<8}  {:>3}  {:>8}  {:<19}  {:<10}  {}\n", "id", "state", "sev",
                                "overdue", "since (UTC)", "tenant", "workflow: rule"),
                    true);
}
std::string alert_line(const json::object& a) {
    const std::string state = text_at(a, "state");
    const Ink ink = state == "firing"                        ? Ink::kRed
                    : state == "acked" || state == "pending" ? Ink::kYellow
                                                             : Ink::kGreen;
    std::string more;
    if (const std::string by = text_at(a, "acked_by"); !by.empty()) more += ", acked by " + by;
    if (const std::string to = text_at(a, "assignee"); !to.empty()) more += ", assigned to " + to;
    if (const std::string group = text_at(a, "group"); !group.empty()) more = " [" + group + "]" + more;
    if (flag_at(a, "flapping")) more += ", flapping";
    if (const uint64_t silence = number_at(a, "silence")) more += fmt::format(", silence {}", silence);
    if (const uint64_t window = number_at(a, "maintenance")) more += fmt::format(", maintenance {}", window);
    if (const std::string by = text_at(a, "inhibited_by"); !by.empty()) more += ", inhibited by " + by;
    return fmt::format("{:<16}  {}  {:>3}  {:>8}  {:<19}  {:<10}  {}\n", text_at(a, "id"),
                       coloured(ink, fmt::format("{:<8}", state), true), number_at(a, "severity"),
                       number_at(a, "open"), short_time(text_at(a, "began")), text_at(a, "tenant"),
                       one_line(text_at(a, "workflow") + ": " + text_at(a, "rule") + more));
}

std::string alert_text(const json::object& a) {
    std::string out = alert_head() + alert_line(a);
    out += fmt::format("episode {}, version {}; {} overdue now, {} in all; deadlines from {} to {} UTC\n",
                       number_at(a, "episode"), number_at(a, "version"), number_at(a, "open"),
                       number_at(a, "total"), short_time(text_at(a, "first_deadline")),
                       short_time(text_at(a, "last_deadline")));
    if (const std::string runbook = text_at(a, "runbook"); !runbook.empty())
        out += one_line("what to do: " + runbook) + "\n";
    if (const std::string ladder = text_at(a, "escalation"); !ladder.empty()) {
        const std::string next = text_at(a, "escalates");
        out += fmt::format("escalation: {}{}\n", ladder,
                           next.empty() ? "" : fmt::format(", next {} UTC", short_time(next)));
    }
    out += coloured(Ink::kBold, "instances (the last)\n", true);
    for (const json::value& v : list_at(a, "instances")) {
        const json::object& i = v.as_object();
        const std::string evidence = text_at(i, "evidence");
        out += one_line(fmt::format("  {:<14}  due {}  {}{}", text_at(i, "state"),
                                    short_time(text_at(i, "deadline")), text_at(i, "subject"),
                                    evidence == "clock" ? "" : "  (judged: " + evidence + ")")) +
               "\n";
    }
    out += coloured(Ink::kBold, "history\n", true);
    for (const json::value& v : list_at(a, "history")) {
        const json::object& s = v.as_object();
        std::string line = fmt::format("  {}  #{:<3} {:<9} by {}", short_time(text_at(s, "at")),
                                       number_at(s, "episode"), text_at(s, "step"), text_at(s, "by"));
        if (const std::string cause = text_at(s, "cause"); !cause.empty()) line += "  " + cause;
        if (const std::string note = text_at(s, "note"); !note.empty()) line += "  (" + note + ")";
        out += one_line(std::move(line)) + "\n";
    }
    out += coloured(Ink::kBold, "notifications\n", true);
    for (const json::value& v : list_at(a, "notifications")) {
        const json::object& n = v.as_object();
        std::string line =
            fmt::format("  {}  #{:<3} {:<9} {} to {}", short_time(text_at(n, "at")), number_at(n, "episode"),
                        text_at(n, "state"), text_at(n, "kind"), text_at(n, "target"));
        if (const std::string detail = text_at(n, "detail"); !detail.empty()) line += "  (" + detail + ")";
        out += one_line(std::move(line)) + "\n";
    }
    return out;
}

std::string target_of(const std::string& id) { return "/api/v1/alerts/" + http::percent_encode(id); }

void add_list(CLI::App& parent, int& exit_code) {
    struct Flags {
        Place place;
        std::string state, tenant, workflow, group;
        uint64_t severity = 0, limit = 50;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = parent.add_subcommand("list", "Alerts, the newest episode first");
    command->footer(
        "Examples:\n"
        "  penstock alert list --state firing\n"
        "  penstock alert list --severity-at-least 4 --limit 0 -o json | jq -r .id");
    command->add_option("--state", flags->state, "pending, firing, acked or resolved")
        ->check(CLI::IsMember({"pending", "firing", "acked", "resolved"}));
    command->add_option("--severity-at-least", flags->severity, "1 to 5, 5 the worst")
        ->check(CLI::Range(1, 5));
    command->add_option("--tenant", flags->tenant, "of this tenant");
    command->add_option("--workflow", flags->workflow, "of this workflow");
    command->add_option("--group", flags->group, "of this group, as shown in brackets: market=XNYS");
    command->add_option("--limit", flags->limit, "at most so many; 0: all")->capture_default_str();
    flags->place.add_to(*command);
    command->callback([flags, &exit_code] {
        std::string next = "/api/v1/alerts?limit=500";
        const std::string severity = flags->severity == 0 ? "" : std::to_string(flags->severity);
        const std::pair<const char*, const std::string*> filters[] = {{"state", &flags->state},
                                                                      {"tenant", &flags->tenant},
                                                                      {"workflow", &flags->workflow},
                                                                      {"group", &flags->group},
                                                                      {"severity_at_least", &severity}};
        for (const auto& [name, value] : filters)
            if (!value->empty()) next += fmt::format("&{}={}", name, http::percent_encode(*value));
        uint64_t listed = 0;
        const bool as_json = flags->place.output.json();
        if (!as_json) print(alert_head());
        while (!next.empty()) {
            const json::object page = flags->place.get(next);
            next = text_at(page, "next");
            for (const json::value& item : list_at(page, "items")) {
                print(as_json ? json::serialize(item) + "\n" : alert_line(item.as_object()));
                if (++listed == flags->limit) next.clear();
                if (listed == flags->limit) break;
            }
        }
        exit_code = kOk;
    });
}

void add_show(CLI::App& parent, int& exit_code) {
    struct Flags {
        Place place;
        std::string id;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = parent.add_subcommand(
        "show", "One alert: its instances, who did what, and why somebody was told or not");
    command->footer("Example:\n  penstock alert show 4f1d2c3b5a697887");
    command->add_option("ID", flags->id, "16 hexadecimal digits, as `penstock alert list` shows")->required();
    flags->place.add_to(*command);
    command->callback([flags, &exit_code] {
        const json::object alert = flags->place.get(target_of(flags->id));
        flags->place.show(alert, alert_text(alert));
        exit_code = kOk;
    });
}

struct Verb {
    const char *name, *about, *footer;
};
constexpr Verb kVerbs[] = {
    {"ack", "Say that somebody looks after it: it is not repeated any more",
     "It lasts until all is well again; a rise of severity is told all the same.\n\n"
     "Example:\n  penstock alert ack 4f1d2c3b5a697887 --note \"calling the depot\""},
    {"unack", "Take an ack back: it is told again",
     "Example:\n  penstock alert unack 4f1d2c3b5a697887 --note \"could not help\""},
    {"assign", "Say whose it is", "Example:\n  penstock alert assign 4f1d2c3b5a697887 --to bob"},
    {"resolve", "Close the episode of what will never come right",
     "Alerts resolve by themselves once nothing is overdue. This is for instances whose event will never "
     "come; they do not count any more.\n\n"
     "Example:\n  penstock alert resolve 4f1d2c3b5a697887 --note \"camera was taken down\""},
};

void add_verb(CLI::App& parent, const Verb& verb, int& exit_code) {
    struct Flags {
        Place place;
        std::vector<std::string> ids;
        std::string by, note, to;
        uint64_t version = 0;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = parent.add_subcommand(verb.name, verb.about);
    command->footer(
        std::string(verb.footer) +
        "\n\nExit codes: 0 done and durable, 1 not done, for example because somebody was faster, "
        "3 the appliance does not answer.");
    command->add_option("ID", flags->ids, "alerts, as `penstock alert list` shows")->required();
    const std::string name = verb.name;
    if (name == "assign") command->add_option("--to", flags->to, "who; empty: nobody")->required();
    CLI::Option* note = command->add_option("--note", flags->note, "why; kept in the history");
    if (name == "resolve") note->required();
    command->add_option("--by", flags->by, "who you are; without it user@host");
    CLI::Option* version = command->add_option(
        "--version", flags->version,
        "only if the alert is still at this version; without it, at the one that is found now");
    flags->place.add_to(*command);
    command->callback([flags, name, version, &exit_code] {
        exit_code = kOk;
        json::array results;
        for (const std::string& id : flags->ids) {
            json::object body{{"by", flags->by.empty() ? user_at_host() : flags->by}};
            if (!flags->note.empty()) body["note"] = flags->note;
            if (name == "assign") body["to"] = flags->to;
            try {
                body["version"] = version->count() > 0
                                      ? flags->version
                                      : number_at(flags->place.get(target_of(id)), "version");
                json::object alert = flags->place.post(target_of(id) + "/" + name, body);
                if (!flags->place.output.json()) print(alert_line(alert));
                results.push_back(std::move(alert));
            } catch (const CommandError& e) {
                if (e.code != kFailed) throw;
                exit_code = kFailed;
                complain(fmt::format("{}: {}", id, e.what()));
                results.push_back(json::object{{"id", id}, {"error", e.what()}});
            }
        }
        if (flags->place.output.json()) print(json::serialize(json::object{{"results", results}}) + "\n");
    });
}

}  // namespace

void add_alert(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand("alert", "Look at what is overdue, take it, close it");
    command->require_subcommand(1);
    add_list(*command, exit_code);
    add_show(*command, exit_code);
    for (const Verb& verb : kVerbs) add_verb(*command, verb, exit_code);
}

}  // namespace penstock::cli
