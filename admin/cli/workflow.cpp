// penstock workflow: what should happen and what does, and the versions of the documents that say so.
#include "stages/sla/workflow.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <memory>

#include "admin/cli/json_members.h"
#include "admin/cli/place.h"
#include "admin/http/text.h"

namespace penstock::cli {
namespace {

namespace json = boost::json;

std::string path_of(const std::string& name, const std::string& more = "") {
    return "/api/v1/workflows/" + http::percent_encode(name) + more;
}

Ink ink_of(const std::string& health) {
    return health == "red" ? Ink::kRed : health == "amber" ? Ink::kYellow : Ink::kGreen;
}

std::string read_document(const std::string& path) {
    std::ifstream in(path);
    std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in) throw CommandError(kUsage, fmt::format("cannot read the workflow {}", path));
    return text;
}

// --- what is --------------------------------------------------------------------------------------------

std::string summary_head() {
    return coloured(Ink::kBold,
                    fmt::format("{:<24}  {:>3}  {:<8}  {:<6}  {:>9}  {:>9}  {:>7}  {}\n", "workflow", "ver",
                                "state", "health", "in flight", "completed", "failed", "why"),
                    true);
}
std::string summary_line(const json::object& w) {
    const std::string health = text_at(w, "health");
    return fmt::format("{:<24}  {:>3}  {:<8}  {}  {:>9}  {:>9}  {:>7}  {}\n", one_line(text_at(w, "name")),
                       number_at(w, "version"), text_at(w, "state"),
                       coloured(ink_of(health), fmt::format("{:<6}", health), true),
                       number_at(w, "in_flight"), number_at(w, "completed"), number_at(w, "failed"),
                       one_line(text_at(w, "reason")));
}

const json::object& object_at(const json::object& o, std::string_view name) {
    static const json::object kNone;
    const json::value* v = o.if_contains(name);
    return v && v->is_object() ? v->get_object() : kNone;
}

std::string rules_table(const json::object& w) {
    std::string out = coloured(
        Ink::kBold,
        fmt::format("\n{:<40} {:<6} {:>9} {:>9} {:>7} {:>7} {:>8} {:>8} {:>8}  {}\n", "rule", "health",
                    "anchored", "met", "late", "missed", "pending", "at risk", "trouble", "next due (UTC)"),
        true);
    for (const json::value& v : list_at(w, "rules")) {
        const json::object &r = v.as_object(), &c = object_at(r, "counts");
        out += fmt::format(
            "{:<40} {} {:>9} {:>9} {:>7} {:>7} {:>8} {:>8} {:>8}  {}\n", one_line(text_at(r, "name")),
            coloured(ink_of(text_at(r, "health")), fmt::format("{:<6}", text_at(r, "health")), true),
            number_at(c, "anchored"), number_at(c, "met"), number_at(c, "late"), number_at(c, "missed"),
            number_at(c, "pending"), number_at(c, "at_risk"), number_at(c, "in_trouble"),
            short_time(text_at(r, "next_due")));
    }
    return out;
}

std::string workflow_text(const json::object& w) {
    std::string out = summary_head() + summary_line(w) + rules_table(w);
    out += coloured(Ink::kBold,
                    fmt::format("\n{:<32} {:>9} {:>9}  {}\n", "stage", "reached", "waiting", "event type"),
                    true);
    for (const json::value& v : list_at(w, "stages")) {
        const json::object& s = v.as_object();
        out += fmt::format("{:<32} {:>9} {:>9}  {}\n", one_line(text_at(s, "name")), number_at(s, "reached"),
                           number_at(s, "waiting"), one_line(text_at(s, "type")));
    }
    if (!list_at(w, "groups").empty())
        out += coloured(Ink::kBold,
                        fmt::format("\n{:<40} {:<6} {:>9} {:>9} {:>7}\n", "group", "health", "in flight",
                                    "completed", "missed"),
                        true);
    for (const json::value& v : list_at(w, "groups")) {
        const json::object& g = v.as_object();
        out += fmt::format(
            "{:<40} {} {:>9} {:>9} {:>7}\n", one_line(text_at(g, "group")),
            coloured(ink_of(text_at(g, "health")), fmt::format("{:<6}", text_at(g, "health")), true),
            number_at(g, "in_flight"), number_at(g, "completed"),
            number_at(object_at(g, "counts"), "missed"));
    }
    return out;
}

void add_list(CLI::App& parent, int& exit_code) {
    auto place = std::make_shared<Place>();
    CLI::App* command = parent.add_subcommand("list", "The workflows that run, with their health and why");
    command->footer("Example:\n  penstock workflow list");
    place->add_to(*command);
    command->callback([place, &exit_code] {
        const json::object answer = place->get("/api/v1/workflows");
        if (!place->output.json()) print(summary_head());
        for (const json::value& item : list_at(answer, "items"))
            print(place->output.json() ? json::serialize(item) + "\n" : summary_line(item.as_object()));
        for (const json::value& name : list_at(answer, "not_running"))
            if (!place->output.json() && name.is_string())
                print(
                    fmt::format("{:<24}  no version of it runs\n", one_line(std::string(name.get_string()))));
        exit_code = kOk;
    });
}

void add_show(CLI::App& parent, int& exit_code) {
    struct Flags {
        Place place;
        std::string name;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = parent.add_subcommand("show", "One workflow: its rules, stages and groups");
    command->footer("Example:\n  penstock workflow show orders");
    command->add_option("NAME", flags->name, "as `penstock workflow list` shows")->required();
    flags->place.add_to(*command);
    command->callback([flags, &exit_code] {
        const json::object workflow = flags->place.get(path_of(flags->name));
        flags->place.show(workflow, workflow_text(workflow));
        exit_code = kOk;
    });
}

// --- versions -------------------------------------------------------------------------------------------

std::string version_line(const json::object& v) {
    std::string line = fmt::format("{:>4}  {:<9}  {:>9}", number_at(v, "version"), text_at(v, "state"),
                                   number_at(v, "instances"));
    if (!list_at(v, "history").empty()) {
        const json::object& last = list_at(v, "history").back().as_object();
        line += fmt::format("  {} UTC {} by {}", short_time(text_at(last, "at")), text_at(last, "action"),
                            text_at(last, "by"));
        if (const std::string note = text_at(last, "note"); !note.empty()) line += " (" + note + ")";
    }
    if (const size_t faults = list_at(v, "faults").size()) line += fmt::format(", {} faults", faults);
    return one_line(std::move(line)) + "\n";
}

void add_versions(CLI::App& parent, int& exit_code) {
    struct Flags {
        Place place;
        std::string name;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = parent.add_subcommand("versions", "The versions of one workflow, and who did what");
    command->footer("Example:\n  penstock workflow versions orders");
    command->add_option("NAME", flags->name, "of the workflow")->required();
    flags->place.add_to(*command);
    command->callback([flags, &exit_code] {
        const json::object answer = flags->place.get(path_of(flags->name, "/versions"));
        if (!flags->place.output.json())
            print(coloured(Ink::kBold,
                           fmt::format("{:>4}  {:<9}  {:>9}  {}\n", "ver", "state", "instances", "last step"),
                           true));
        for (const json::value& item : list_at(answer, "items"))
            print(flags->place.output.json() ? json::serialize(item) + "\n" : version_line(item.as_object()));
        exit_code = kOk;
    });
}

void add_diff(CLI::App& parent, int& exit_code) {
    struct Flags {
        Place place;
        std::string name;
        uint64_t version = 0, against = 0;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = parent.add_subcommand("diff", "What a version changes, by lines of its document");
    command->footer(
        "Examples:\n"
        "  penstock workflow diff orders 4                # against version 3\n"
        "  penstock workflow diff orders 4 --against 1");
    command->add_option("NAME", flags->name, "of the workflow")->required();
    command->add_option("VERSION", flags->version, "its version")->required()->check(CLI::PositiveNumber);
    command->add_option("--against", flags->against, "a version; without it the one before")
        ->check(CLI::PositiveNumber);
    flags->place.add_to(*command);
    command->callback([flags, &exit_code] {
        std::string target = path_of(flags->name, fmt::format("/versions/{}/diff", flags->version));
        if (flags->against != 0) target += fmt::format("?against={}", flags->against);
        const json::object answer = flags->place.get(target);
        std::string text;
        for (const json::value& v : list_at(answer, "lines")) {
            const std::string op = text_at(v.as_object(), "op"),
                              line = one_line(text_at(v.as_object(), "text"));
            text += op == "added"     ? coloured(Ink::kGreen, "+ " + line, true)
                    : op == "removed" ? coloured(Ink::kRed, "- " + line, true)
                                      : "  " + line;
            text += "\n";
        }
        flags->place.show(answer, text);
        exit_code = kOk;
    });
}

void add_publish(CLI::App& parent, int& exit_code) {
    struct Flags {
        Place place;
        std::string file, by, note;
        bool draft = false, shadow = false, migrate = false;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command =
        parent.add_subcommand("publish", "Publish a document as the next version of its name");
    command->footer(
        "Without a flag the version runs at once, instead of the one before. What is in flight ends on the "
        "version that it began on; --migrate takes it over.\n\n"
        "Examples:\n"
        "  penstock workflow check orders.json && penstock workflow publish orders.json --shadow\n"
        "  penstock simulate --workflow orders.json --from 7d\n"
        "  penstock workflow publish orders.json --migrate --note \"an hour more for packing\"\n\n"
        "Exit codes: 0 done and durable, 1 not done, for example because the document has faults, "
        "3 the appliance does not answer.");
    command->add_option("FILE", flags->file, "the document, JSON")->required();
    CLI::Option* draft = command->add_flag("--draft", flags->draft, "keep it only; it may have faults");
    command->add_flag("--shadow", flags->shadow, "run it beside the active one; it alerts nobody")
        ->excludes(draft);
    command->add_flag("--migrate", flags->migrate, "what is in flight goes over to it");
    command->add_option("--note", flags->note, "why; kept in the history");
    command->add_option("--by", flags->by, "who you are; without it user@host");
    flags->place.add_to(*command);
    command->callback([flags, &exit_code] {
        const std::string target =
            fmt::format("/api/v1/workflows?state={}&migrate={}&by={}&note={}",
                        flags->draft    ? "draft"
                        : flags->shadow ? "shadow"
                                        : "active",
                        flags->migrate, http::percent_encode(flags->by.empty() ? user_at_host() : flags->by),
                        http::percent_encode(flags->note));
        const json::object made = flags->place.post_text(target, read_document(flags->file));
        for (const json::value& fault : list_at(made, "faults"))
            if (fault.is_object())
                warn(fmt::format("{}: {}: {}", flags->file, text_at(fault.get_object(), "pointer"),
                                 one_line(text_at(fault.get_object(), "what"))));
        flags->place.show(made, fmt::format("{}: version {} is {}\n", one_line(text_at(made, "workflow")),
                                            number_at(made, "version"), text_at(made, "state")));
        exit_code = kOk;
    });
}

struct Verb {
    const char *name, *about, *footer;
};
constexpr Verb kVerbs[] = {
    {"activate", "Let a version run instead of the active one",
     "Also an older one again.\n\nExample:\n  penstock workflow activate orders 3 --note \"4 was too "
     "strict\""},
    {"shadow", "Let a version run beside the active one; it alerts nobody",
     "Example:\n  penstock workflow shadow orders 4"},
    {"retire", "Let a version run no more; its alerts end as rule_retired",
     "Example:\n  penstock workflow retire orders 4 --note \"the depot has closed\""},
    {"discard", "Throw a draft away", "Example:\n  penstock workflow discard orders 5"},
};

void add_verb(CLI::App& parent, const Verb& verb, int& exit_code) {
    struct Flags {
        Place place;
        std::string name, by, note;
        uint64_t version = 0;
        bool migrate = false;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = parent.add_subcommand(verb.name, verb.about);
    command->footer(std::string(verb.footer) +
                    "\n\nExit codes: 0 done and durable, 1 not done, 3 the appliance does not answer.");
    command->add_option("NAME", flags->name, "of the workflow")->required();
    command->add_option("VERSION", flags->version, "as `penstock workflow versions` shows")
        ->required()
        ->check(CLI::PositiveNumber);
    const std::string action = verb.name;
    if (action == "activate")
        command->add_flag("--migrate", flags->migrate, "what is in flight goes over to it");
    command->add_option("--note", flags->note, "why; kept in the history");
    command->add_option("--by", flags->by, "who you are; without it user@host");
    flags->place.add_to(*command);
    command->callback([flags, action, &exit_code] {
        const json::object done =
            flags->place.post(path_of(flags->name, fmt::format("/versions/{}", flags->version)),
                              {{"action", action},
                               {"by", flags->by.empty() ? user_at_host() : flags->by},
                               {"note", flags->note},
                               {"migrate", flags->migrate}});
        flags->place.show(done, fmt::format("{}: version {} is {}\n", one_line(text_at(done, "workflow")),
                                            number_at(done, "version"), text_at(done, "state")));
        exit_code = kOk;
    });
}

void add_check(CLI::App& parent, int& exit_code) {
    auto file = std::make_shared<std::string>();
    CLI::App* command = parent.add_subcommand("check", "Tell all faults of a document, without an appliance");
    command->footer(
        "Each fault is one line: where (a JSON pointer), what, how to mend it.\n\n"
        "Example:\n  penstock workflow check orders.json\n\n"
        "Exit codes: 0 none, 2 it has faults.");
    command->add_option("FILE", *file, "the document, JSON")->required();
    command->callback([file, &exit_code] {
        const std::string document = read_document(*file);
        try {
            const Workflow workflow = parse_workflow(document);
            print(fmt::format("{}: {} has {} stages and {} edges, and no faults\n", *file, workflow.name,
                              workflow.stages.size(), workflow.edges.size()));
            exit_code = kOk;
        } catch (const WorkflowError& e) {
            fmt::print(stderr, "{}\n", e.what());
            throw CommandError(kUsage, fmt::format("{} has faults; see above", *file));
        }
    });
}

}  // namespace

void add_workflow(CLI::App& app, int& exit_code) {
    CLI::App* command =
        app.add_subcommand("workflow", "Look at workflows, publish versions of them, take them into use");
    command->require_subcommand(1);
    add_list(*command, exit_code);
    add_show(*command, exit_code);
    add_publish(*command, exit_code);
    add_versions(*command, exit_code);
    add_diff(*command, exit_code);
    for (const Verb& verb : kVerbs) add_verb(*command, verb, exit_code);
    add_check(*command, exit_code);
}

}  // namespace penstock::cli
