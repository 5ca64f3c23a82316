// penstock alert, penstock silence: what is overdue, who has it, and what is not to be told for a while.
#include <pwd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <memory>

#include "admin/cli/config_flags.h"
#include "admin/cli/event_text.h"
#include "admin/cli/http_call.h"
#include "admin/cli/json_members.h"
#include "admin/cli/letter_source.h"
#include "admin/cli/terminal.h"
#include "admin/http/text.h"
#include "pipeline/clock.h"
#include "pipeline/rfc3339.h"

namespace penstock::cli {
namespace {

namespace json = boost::json;

/// One line on a terminal, without what could move its cursor.
std::string one_line(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return text;
}
/// "2026-01-31 08:00:00": of an RFC 3339 time in UTC.
std::string short_time(const std::string& time) {
    return time.size() < 19 ? time : time.substr(0, 10) + " " + time.substr(11, 8);
}

std::string user_at_host() {
    const passwd* user = getpwuid(geteuid());
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    return fmt::format("{}@{}", user ? std::string(user->pw_name) : std::to_string(geteuid()), host);
}

/// Which appliance is asked, and how the answer is shown.
struct Place {
    std::string server;
    ConfigFlags config;
    OutputFormat output;

    void add_to(CLI::App& command) {
        command.add_option("--server", server,
                           "the appliance's HTTP address, host:port; without it http.listen of the "
                           "configuration");
        config.add_to(command);
        output.add_to(command);
    }
    json::object get(const std::string& target) const {
        return checked(http_get(appliance_at(server, "--server", config), target));
    }
    json::object post(const std::string& target, const json::object& body) const {
        return checked(http_post(appliance_at(server, "--server", config), target, json::serialize(body)));
    }
    /// Prints what the API answered, or its text.
    void show(const json::object& answer, const std::string& text) const {
        print(output.json() ? json::serialize(answer) + "\n" : text);
    }

  private:
    static json::object checked(const HttpReply& reply) {
        if (reply.status != 200 && reply.status != 201) throw CommandError(kFailed, problem_text(reply));
        json::error_code failed;
        json::value answer = json::parse(reply.body, failed);
        if (failed || !answer.is_object())
            throw CommandError(kFailed, "the appliance's answer is no JSON object");
        return std::move(answer.get_object());
    }
};

// --- alert ------------------------------------------------------------------------------------------------

std::string alert_head() {
    return coloured(Ink::kBold,
                    fmt::format("{:<16}  {:<8}  {:>3}  {:>8}  {:<19}  {:<10}  {}\n", "id", "state", "sev",
                                "overdue", "since (UTC)", "tenant", "workflow: rule"),
                    true);
}
std::string alert_line(const json::object& a) {
    const std::string state = text_at(a, "state");
    const Ink ink = state == "firing" ? Ink::kRed : state == "acked" ? Ink::kYellow : Ink::kGreen;
    std::string more;
    if (const std::string by = text_at(a, "acked_by"); !by.empty()) more += ", acked by " + by;
    if (const std::string to = text_at(a, "assignee"); !to.empty()) more += ", assigned to " + to;
    if (const uint64_t silence = number_at(a, "silence")) more += fmt::format(", silence {}", silence);
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
    out += coloured(Ink::kBold, "instances (the last)\n", true);
    for (const json::value& v : list_at(a, "instances")) {
        const json::object& i = v.as_object();
        out += one_line(fmt::format("  {:<14}  due {}  {}", text_at(i, "state"),
                                    short_time(text_at(i, "deadline")), text_at(i, "subject"))) +
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
        std::string state, tenant, workflow;
        uint64_t severity = 0, limit = 50;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = parent.add_subcommand("list", "Alerts, the newest episode first");
    command->footer(
        "Examples:\n"
        "  penstock alert list --state firing\n"
        "  penstock alert list --severity-at-least 4 --limit 0 -o json | jq -r .id");
    command->add_option("--state", flags->state, "firing, acked or resolved")
        ->check(CLI::IsMember({"firing", "acked", "resolved"}));
    command->add_option("--severity-at-least", flags->severity, "1 to 5, 5 the worst")
        ->check(CLI::Range(1, 5));
    command->add_option("--tenant", flags->tenant, "of this tenant");
    command->add_option("--workflow", flags->workflow, "of this workflow");
    command->add_option("--limit", flags->limit, "at most so many; 0: all")->capture_default_str();
    flags->place.add_to(*command);
    command->callback([flags, &exit_code] {
        std::string next = "/api/v1/alerts?limit=500";
        const std::string severity = flags->severity == 0 ? "" : std::to_string(flags->severity);
        const std::pair<const char*, const std::string*> filters[] = {{"state", &flags->state},
                                                                      {"tenant", &flags->tenant},
                                                                      {"workflow", &flags->workflow},
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

// --- silence ----------------------------------------------------------------------------------------------

/// "90s", "15m", "2h", "7d".
int64_t duration_ns(const std::string& text, std::string_view flag) {
    int64_t n = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), n);
    const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
    const int64_t seconds = unit == "s"   ? 1
                            : unit == "m" ? 60
                            : unit == "h" ? 3'600
                            : unit == "d" ? 86'400
                                          : 0;
    if (fault != std::errc() || seconds == 0 || n <= 0 || n > 36'500)
        throw CommandError(kUsage,
                           fmt::format("{} \"{}\" is no duration; write 90s, 15m, 2h or 7d", flag, text));
    return n * seconds * 1'000'000'000;
}

std::string silence_text(const json::object& s) {
    std::string what;
    for (const char* name : {"tenant", "workflow", "rule"})
        if (const std::string value = text_at(s, name); !value.empty())
            what += fmt::format(" {}=\"{}\"", name, value);
    if (const uint64_t severity = number_at(s, "severity_at_least"))
        what += fmt::format(" severity_at_least={}", severity);
    return one_line(fmt::format("{:>10}  {:<8}  until {} UTC {}; {}: {}", number_at(s, "id"),
                                text_at(s, "state"), short_time(text_at(s, "end")), what, text_at(s, "owner"),
                                text_at(s, "reason"))) +
           "\n";
}

void add_silence_list(CLI::App& parent, int& exit_code) {
    struct Flags {
        Place place;
        std::string state;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = parent.add_subcommand("list", "Silences, newest first");
    command->footer("Example:\n  penstock silence list --state active");
    command->add_option("--state", flags->state, "waiting, active, ended or expired")
        ->check(CLI::IsMember({"waiting", "active", "ended", "expired"}));
    flags->place.add_to(*command);
    command->callback([flags, &exit_code] {
        const json::object answer = flags->place.get(
            "/api/v1/silences" + (flags->state.empty() ? std::string() : "?state=" + flags->state));
        for (const json::value& item : list_at(answer, "items"))
            print(flags->place.output.json() ? json::serialize(item) + "\n" : silence_text(item.as_object()));
        exit_code = kOk;
    });
}

void add_silence_add(CLI::App& parent, int& exit_code) {
    struct Flags {
        Place place;
        std::string tenant, workflow, rule, begin, until, lasts, owner, reason, by;
        uint64_t severity = 0;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = parent.add_subcommand("add", "Tell nobody of alerts like this for a while");
    command->footer(
        "Alerts are still kept and shown; only what is sent is held back. When it ends over a firing alert, "
        "that is told.\n\n"
        "Examples:\n"
        "  penstock silence add --workflow parcels --for 2h --reason \"depot moves\"\n"
        "  penstock silence add --tenant acme --severity-at-least 1 --until 2026-02-01T06:00:00Z --owner ann "
        "--reason \"migration\"");
    command->add_option("--tenant", flags->tenant, "of this tenant");
    command->add_option("--workflow", flags->workflow, "of this workflow");
    command->add_option("--rule", flags->rule, "of this rule");
    command->add_option("--severity-at-least", flags->severity, "of this severity or worse, 1 to 5")
        ->check(CLI::Range(1, 5));
    command->add_option("--begin", flags->begin, "RFC 3339 time; without it now");
    CLI::Option* until = command->add_option("--until", flags->until, "RFC 3339 time of its end");
    command->add_option("--for", flags->lasts, "how long instead: 90s, 15m, 2h, 7d")->excludes(until);
    command->add_option("--owner", flags->owner, "who answers for it; without it user@host");
    command->add_option("--reason", flags->reason, "why")->required();
    command->add_option("--by", flags->by, "who adds it; without it user@host");
    flags->place.add_to(*command);
    command->callback([flags, &exit_code] {
        if (flags->until.empty() == flags->lasts.empty())
            throw CommandError(kUsage, "give its end, as --until TIME or --for DURATION");
        json::object body{{"reason", flags->reason},
                          {"owner", flags->owner.empty() ? user_at_host() : flags->owner},
                          {"by", flags->by.empty() ? user_at_host() : flags->by}};
        const std::pair<const char*, const std::string*> texts[] = {{"tenant", &flags->tenant},
                                                                    {"workflow", &flags->workflow},
                                                                    {"rule", &flags->rule},
                                                                    {"begin", &flags->begin}};
        for (const auto& [name, value] : texts)
            if (!value->empty()) body[name] = *value;
        if (flags->severity != 0) body["severity_at_least"] = flags->severity;
        if (!flags->until.empty()) {
            body["end"] = flags->until;
        } else {
            const auto begin =
                flags->begin.empty() ? std::optional(SystemClock().wall_ns()) : parse_rfc3339(flags->begin);
            if (!begin)
                throw CommandError(kUsage, fmt::format("--begin \"{}\" is no RFC 3339 time", flags->begin));
            body["end"] = format_rfc3339(*begin + duration_ns(flags->lasts, "--for"));
        }
        const json::object made = flags->place.post("/api/v1/silences", body);
        flags->place.show(made, silence_text(made));
        exit_code = kOk;
    });
}

void add_silence_expire(CLI::App& parent, int& exit_code) {
    struct Flags {
        Place place;
        uint64_t id = 0;
        std::string by;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = parent.add_subcommand("expire", "End a silence now");
    command->footer("Example:\n  penstock silence expire 20417");
    command->add_option("ID", flags->id, "as `penstock silence list` shows")->required();
    command->add_option("--by", flags->by, "who; without it user@host");
    flags->place.add_to(*command);
    command->callback([flags, &exit_code] {
        const json::object done = flags->place.post(fmt::format("/api/v1/silences/{}/expire", flags->id),
                                                    {{"by", flags->by.empty() ? user_at_host() : flags->by}});
        flags->place.show(done, silence_text(done));
        exit_code = kOk;
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

void add_silence(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand("silence", "Tell nobody of some alerts for a while");
    command->require_subcommand(1);
    add_silence_list(*command, exit_code);
    add_silence_add(*command, exit_code);
    add_silence_expire(*command, exit_code);
}

}  // namespace penstock::cli
