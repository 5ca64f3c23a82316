// penstock silence: what is not to be told for a while.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <memory>

#include "admin/cli/commands.h"
#include "admin/cli/event_text.h"
#include "admin/cli/json_members.h"
#include "admin/cli/place.h"
#include "admin/cli/terminal.h"
#include "pipeline/civil/duration.h"
#include "pipeline/clock.h"
#include "pipeline/rfc3339.h"

namespace penstock::cli {
namespace {

namespace json = boost::json;

int64_t duration_flag(const std::string& text, std::string_view flag) {
    try {
        if (const int64_t ns = parse_duration(text); ns > 0) return ns;
    } catch (const CivilError&) {
    }
    throw CommandError(kUsage, fmt::format("{} \"{}\" is no duration; write 90s, 15m, 2h or 7d", flag, text));
}

std::string silence_text(const json::object& s) {
    std::string what;
    for (const char* name : {"tenant", "workflow", "rule", "group"})
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
        std::string tenant, workflow, rule, group, begin, until, lasts, owner, reason, by;
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
    command->add_option("--group", flags->group, "of this group: market=XNYS");
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
                                                                    {"group", &flags->group},
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
            body["end"] = format_rfc3339(*begin + duration_flag(flags->lasts, "--for"));
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

void add_silence(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand("silence", "Tell nobody of some alerts for a while");
    command->require_subcommand(1);
    add_silence_list(*command, exit_code);
    add_silence_add(*command, exit_code);
    add_silence_expire(*command, exit_code);
}

}  // namespace penstock::cli
