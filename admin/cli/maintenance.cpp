// penstock maintenance: planned work, once or again and again.
#include <CLI/CLI.hpp>
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

std::string window_text(const json::object& w) {
    std::string what = text_at(w, "effect");
    for (const char* name : {"tenant", "workflow", "rule", "group"})
        if (const std::string value = text_at(w, name); !value.empty())
            what += fmt::format(" {}=\"{}\"", name, value);
    std::string when =
        fmt::format("{} to {} UTC", short_time(text_at(w, "begin")), short_time(text_at(w, "end")));
    if (const json::value* schedule = w.if_contains("schedule")) {
        const std::string next = text_at(w, "next_begin");
        when = fmt::format("{} for {}{}", json::serialize(*schedule), text_at(w, "duration"),
                           next.empty() ? "" : fmt::format(", {} UTC next", short_time(next)));
    }
    return one_line(fmt::format("{:>10}  {:<8}  {}; {}; {}: {}", number_at(w, "id"), text_at(w, "state"),
                                what, when, text_at(w, "owner"), text_at(w, "reason"))) +
           "\n";
}

void add_list(CLI::App& parent, int& exit_code) {
    struct Flags {
        Place place;
        std::string state;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = parent.add_subcommand("list", "Maintenance windows, newest first");
    command->footer("Example:\n  penstock maintenance list --state active");
    command->add_option("--state", flags->state, "waiting, active or ended")
        ->check(CLI::IsMember({"waiting", "active", "ended"}));
    flags->place.add_to(*command);
    command->callback([flags, &exit_code] {
        const json::object answer = flags->place.get(
            "/api/v1/maintenance" + (flags->state.empty() ? std::string() : "?state=" + flags->state));
        for (const json::value& item : list_at(answer, "items"))
            print(flags->place.output.json() ? json::serialize(item) + "\n" : window_text(item.as_object()));
        exit_code = kOk;
    });
}

void add_add(CLI::App& parent, int& exit_code) {
    struct Flags {
        Place place;
        std::string tenant, workflow, rule, group, begin, end, schedule, lasts, last_date, owner, reason, by;
        bool do_not_expect = false;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command =
        parent.add_subcommand("add", "Announce planned work: nobody is told of alerts meanwhile");
    command->footer(
        "Once with --until, again and again with --schedule and --for (docs/calendars.md has the schedules). "
        "When "
        "it ends over a firing alert, that is told.\n\n"
        "Examples:\n"
        "  penstock maintenance add --workflow parcels --begin 2026-02-01T02:00:00Z --until "
        "2026-02-01T06:00:00Z "
        "--reason \"new scale\"\n"
        "  penstock maintenance add --workflow orders --do-not-expect --for 2h --reason \"weekly restart\" "
        "--schedule '{\"zone\": \"America/New_York\", \"weekdays\": [\"sun\"], \"at\": \"02:00\"}'");
    command->add_option("--tenant", flags->tenant, "of this tenant");
    command->add_option("--workflow", flags->workflow, "of this workflow");
    command->add_option("--rule", flags->rule, "of this rule");
    command->add_option("--group", flags->group, "of this group: market=XNYS");
    command->add_flag("--do-not-expect", flags->do_not_expect,
                      "deadlines within it are no trouble, and count for no statistics");
    command->add_option("--begin", flags->begin, "RFC 3339 time; without it now");
    command->add_option("--until", flags->end, "RFC 3339 time of its end");
    CLI::Option* schedule = command->add_option("--schedule", flags->schedule, "JSON: when each begins");
    CLI::Option* lasts =
        command->add_option("--for", flags->lasts, "with --schedule, how long each is: 90m, 2h");
    command
        ->add_option("--last-date", flags->last_date, "with --schedule, local date of the last: 2026-12-31")
        ->needs(schedule);
    schedule->needs(lasts);
    lasts->needs(schedule);
    command->add_option("--owner", flags->owner, "who answers for it; without it user@host");
    command->add_option("--reason", flags->reason, "why")->required();
    command->add_option("--by", flags->by, "who adds it; without it user@host");
    flags->place.add_to(*command);
    command->callback([flags, &exit_code] {
        json::object body{{"reason", flags->reason},
                          {"owner", flags->owner.empty() ? user_at_host() : flags->owner},
                          {"by", flags->by.empty() ? user_at_host() : flags->by},
                          {"effect", flags->do_not_expect ? "do_not_expect" : "mute"}};
        const std::pair<const char*, const std::string*> texts[] = {
            {"tenant", &flags->tenant},  {"workflow", &flags->workflow},  {"rule", &flags->rule},
            {"group", &flags->group},    {"begin", &flags->begin},        {"end", &flags->end},
            {"duration", &flags->lasts}, {"last_date", &flags->last_date}};
        for (const auto& [name, value] : texts)
            if (!value->empty()) body[name] = *value;
        if (!flags->schedule.empty()) {
            json::error_code failed;
            body["schedule"] = json::parse(flags->schedule, failed);
            if (failed) throw CommandError(kUsage, "--schedule is not valid JSON");
        }
        const json::object made = flags->place.post("/api/v1/maintenance", body);
        flags->place.show(made, window_text(made));
        exit_code = kOk;
    });
}

void add_end(CLI::App& parent, int& exit_code) {
    struct Flags {
        Place place;
        uint64_t id = 0;
        std::string by;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command =
        parent.add_subcommand("end", "End a maintenance window now, with all its occurrences to come");
    command->footer("Example:\n  penstock maintenance end 20417");
    command->add_option("ID", flags->id, "as `penstock maintenance list` shows")->required();
    command->add_option("--by", flags->by, "who; without it user@host");
    flags->place.add_to(*command);
    command->callback([flags, &exit_code] {
        const json::object done = flags->place.remove(
            fmt::format("/api/v1/maintenance/{}?by={}", flags->id,
                        http::percent_encode(flags->by.empty() ? user_at_host() : flags->by)));
        flags->place.show(done, window_text(done));
        exit_code = kOk;
    });
}

}  // namespace

void add_maintenance(CLI::App& app, int& exit_code) {
    CLI::App* command =
        app.add_subcommand("maintenance", "Planned work: what is not told, or not expected, meanwhile");
    command->require_subcommand(1);
    add_list(*command, exit_code);
    add_add(*command, exit_code);
    add_end(*command, exit_code);
}

}  // namespace penstock::cli
