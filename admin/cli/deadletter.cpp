// penstock deadletter: looks at what was refused, and sends it again or drops it.
#include <pwd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "admin/cli/event_text.h"
#include "admin/cli/guarded.h"
#include "admin/cli/json_members.h"
#include "admin/cli/letter_source.h"
#include "admin/cli/terminal.h"
#include "schemas/limits.h"

namespace penstock::cli {
namespace {

namespace json = boost::json;

/// One line on a terminal, without what could move its cursor.
std::string one_line(std::string text, size_t bytes_max) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    if (text.size() <= bytes_max) return text;
    size_t end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return text.substr(0, end) + "...";
}

std::string list_head() {
    return coloured(Ink::kBold,
                    fmt::format("{:>12}  {:<30}  {:<15}  {:<10}  {:<8}  {}\n", "seq", "received", "cause",
                                "tenant", "status", "detail"),
                    true);
}
std::string list_line(const json::object& letter) {
    return fmt::format("{:>12}  {:<30}  {:<15}  {:<10}  {:<8}  {}\n", number_at(letter, "seq"),
                       text_at(letter, "received"), text_at(letter, "cause"), text_at(letter, "tenant"),
                       text_at(letter, "status"), one_line(text_at(letter, "detail"), 100));
}

std::string history_line(const json::object& action) {
    std::string out = fmt::format("  {}  {} of {} by {}", text_at(action, "at"), text_at(action, "action"),
                                  number_at(action, "dead_letter"), one_line(text_at(action, "by"), 200));
    if (flag_at(action, "edited")) out += ", edited";
    const std::string outcome = text_at(action, "outcome"), note = text_at(action, "note");
    if (outcome == "stored") out += fmt::format(": stored as {}", number_at(action, "event_seq"));
    if (outcome == "duplicate") out += ": stored before, a duplicate";
    if (outcome == "refused")
        out += fmt::format(": refused, {}, now dead letter {}", text_at(action, "cause"),
                           number_at(action, "new_dead_letter"));
    if (outcome == "unknown") out += ": not done, the appliance ended first";
    if (!note.empty()) out += " (" + one_line(note, 1024) + ")";
    return out + "\n";
}

std::string letter_text(const json::object& letter) {
    const auto line = [](std::string_view name, const std::string& value) {
        return value.empty() ? std::string() : fmt::format("{:<10} {}\n", name, one_line(value, 4096));
    };
    std::string out = line("seq", std::to_string(number_at(letter, "seq")));
    out += line("received", text_at(letter, "received"));
    out += line("status", text_at(letter, "status"));
    out += line("cause", text_at(letter, "cause"));
    out += line("detail", text_at(letter, "detail"));
    out += line("help", text_at(letter, "help"));
    out += line("tenant", text_at(letter, "tenant"));
    out += line("peer", text_at(letter, "peer"));
    out += line("producer", text_at(letter, "producer"));
    out += line("position", std::to_string(number_at(letter, "position")));
    out += line("bytes", fmt::format("{}{}", number_at(letter, "whole_bytes"),
                                     flag_at(letter, "raw_truncated") ? ", cut: the first are kept" : ""));
    const json::value* history = letter.if_contains("history");
    if (history && history->is_array() && !history->get_array().empty()) {
        out += "history\n";
        for (const json::value& action : history->get_array()) out += history_line(action.as_object());
    }
    if (letter.contains("event")) {
        out += "event      " + one_line(json::serialize(letter.at("event")), SIZE_MAX - 1) + "\n";
    } else if (letter.contains("raw")) {
        out += "raw        " + one_line(text_at(letter, "raw"), SIZE_MAX - 1) + "\n";
    } else {
        out += "raw_base64 " + text_at(letter, "raw_base64") + "\n";
    }
    return out;
}

/// Reads a folder's log in a child process, whose damaged pages then end only it; asks a server directly.
int run_reading(const LetterPlace& place, const std::function<int()>& work) {
    if (place.data_dir.empty()) return work();
    return run_guarded([&](GuardedProgress&) { return work(); });
}

// --- list, show -------------------------------------------------------------------------------------------

void add_list(CLI::App& parent, int& exit_code) {
    struct Flags {
        LetterPlace place;
        LetterChoice choice;
        OutputFormat output;
        uint64_t limit = 50;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = parent.add_subcommand("list", "Dead letters, newest first");
    command->footer(
        "Examples:\n"
        "  penstock deadletter list --status open --since 2h\n"
        "  penstock deadletter list --cause unknown_region --limit 0 -o json | jq -r .raw");
    flags->choice.add_to(*command);
    command->add_option("--limit", flags->limit, "at most so many; 0: all")->capture_default_str();
    flags->place.add_to(*command, true);
    flags->output.add_to(*command);
    command->callback([flags, &exit_code] {
        flags->choice.settle();
        exit_code = run_reading(flags->place, [&] {
            uint64_t listed = 0;
            if (!flags->output.json()) print(list_head());
            for_each_letter(flags->place, flags->choice, [&](const json::object& letter) {
                print(flags->output.json() ? json::serialize(letter) + "\n" : list_line(letter));
                return ++listed != flags->limit;
            });
            return kOk;
        });
    });
}

void add_show(CLI::App& parent, int& exit_code) {
    struct Flags {
        LetterPlace place;
        OutputFormat output;
        uint64_t seq = 0;
        bool raw = false;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = parent.add_subcommand("show", "One dead letter, with its history");
    command->footer(
        "Examples:\n"
        "  penstock deadletter show 1204\n"
        "  penstock deadletter show 1204 --raw > event.json    # to mend it, and retry with --replace");
    command->add_option("SEQ", flags->seq, "its log sequence")->required();
    command->add_flag("--raw", flags->raw,
                      "only the bytes as they were refused; of an event in FlatBuffers its JSON");
    flags->place.add_to(*command, true);
    flags->output.add_to(*command);
    command->callback([flags, &exit_code] {
        exit_code = run_reading(flags->place, [&] {
            const json::object letter = one_letter(flags->place, flags->seq);
            if (!flags->raw) {
                print(flags->output.json() ? json::serialize(letter) + "\n" : letter_text(letter));
            } else if (letter.contains("event")) {
                print(json::serialize(letter.at("event")) + "\n");
            } else if (letter.contains("raw")) {
                print(text_at(letter, "raw"));
            } else {
                throw CommandError(kFailed, "the bytes are no text; -o json has them as raw_base64");
            }
            if (flag_at(letter, "raw_truncated"))
                warn(fmt::format("only the first bytes of {} are kept", number_at(letter, "whole_bytes")));
            return kOk;
        });
    });
}

// --- retry, drop ------------------------------------------------------------------------------------------

struct ChangeFlags {
    LetterPlace place;
    LetterChoice choice;
    OutputFormat output;
    std::vector<uint64_t> seqs;
    std::string replace, by, note;
    uint64_t limit = 0;
    bool all = false, dry_run = false;
};

std::string user_at_host() {
    const passwd* user = getpwuid(geteuid());
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    return fmt::format("{}@{}", user ? std::string(user->pw_name) : std::to_string(geteuid()), host);
}

std::string read_replacement(const std::string& file) {
    std::string text;
    if (file == "-") {
        text.assign(std::istreambuf_iterator<char>(std::cin), {});
    } else {
        std::ifstream in(file, std::ios::binary);
        if (!in) throw CommandError(kUsage, fmt::format("--replace: cannot read {}", file));
        text.assign(std::istreambuf_iterator<char>(in), {});
    }
    if (text.size() > limits::kEventBytesMax)
        throw CommandError(kUsage, fmt::format("--replace: {} has {} bytes; an event has at most {}", file,
                                               text.size(), limits::kEventBytesMax));
    return text;
}

/// The letters that are meant, oldest first: what came first is sent again first.
std::vector<json::object> chosen(ChangeFlags& flags) {
    std::vector<json::object> letters;
    if (!flags.seqs.empty()) {
        for (const uint64_t seq : flags.seqs) {
            json::object letter;
            letter["seq"] = seq;
            letters.push_back(flags.dry_run ? one_letter(flags.place, seq) : std::move(letter));
        }
        return letters;
    }
    flags.choice.settle();
    flags.choice.status = "open";
    for_each_letter(flags.place, flags.choice, [&](const json::object& letter) {
        json::object& kept = letters.emplace_back();
        for (const char* name : {"seq", "received", "cause", "tenant", "status", "detail"})
            if (const json::value* v = letter.if_contains(name)) kept[name] = *v;
        return letters.size() != flags.limit;
    });
    std::reverse(letters.begin(), letters.end());
    return letters;
}

std::string result_line(const json::object& result) {
    const uint64_t seq = number_at(result, "seq");
    const std::string outcome = text_at(result, "outcome");
    if (const std::string error = text_at(result, "error"); !error.empty())
        return fmt::format("{}: {}\n", seq, coloured(Ink::kRed, one_line(error, 2048), true));
    if (outcome == "stored") return fmt::format("{}: stored as {}\n", seq, number_at(result, "event_seq"));
    if (outcome == "duplicate") return fmt::format("{}: stored before, a duplicate\n", seq);
    if (outcome == "refused")
        return fmt::format("{}: refused again, {}: {}; now dead letter {}\n", seq, text_at(result, "cause"),
                           one_line(text_at(result, "detail"), 2048), number_at(result, "new_dead_letter"));
    return fmt::format("{}: dropped\n", seq);
}

int preview(const std::vector<json::object>& letters, bool drop, const OutputFormat& output) {
    if (output.json()) {
        json::array items;
        for (const json::object& letter : letters) items.push_back(letter);
        print(
            json::serialize(json::object{{"dry_run", true}, {"matched", letters.size()}, {"items", items}}) +
            "\n");
        return kOk;
    }
    std::string out = list_head();
    for (const json::object& letter : letters) out += list_line(letter);
    print(out);
    fmt::print(stderr, "{} would be {}\n", with_commas(letters.size()), drop ? "dropped" : "retried");
    return kOk;
}

int change(ChangeFlags& flags, bool drop) {
    if (flags.seqs.empty() == (flags.choice.empty() && !flags.all))
        throw CommandError(kUsage,
                           "name dead letters by their sequences, or choose by --cause, --tenant, "
                           "--since and --until, or take --all; one of these");
    if (!flags.replace.empty() && flags.seqs.size() != 1)
        throw CommandError(kUsage, "--replace is for one dead letter, named by its sequence");
    json::object body{{"by", flags.by.empty() ? user_at_host() : flags.by}};
    if (!flags.note.empty()) body["note"] = flags.note;
    if (!flags.replace.empty()) body["replace"] = read_replacement(flags.replace);
    const std::string text = json::serialize(body);

    catch_interrupts();
    const std::vector<json::object> letters = chosen(flags);
    if (flags.dry_run) return preview(letters, drop, flags.output);
    if (letters.empty()) {
        complain("no open dead letter is like this");
        return kFailed;
    }
    const ApiPlace address = flags.place.address();
    json::array results;
    std::map<std::string, uint64_t> counts{{"done", 0}, {"failed", 0}};
    for (const json::object& letter : letters) {
        if (interrupts() > 0) break;
        const uint64_t seq = number_at(letter, "seq");
        const HttpReply reply =
            http_post(address, fmt::format("/api/v1/deadletters/{}/{}", seq, drop ? "drop" : "retry"), text);
        json::error_code failed;
        json::value answer = json::parse(reply.body, failed);
        json::object result;
        if (reply.status == 200 && !failed && answer.is_object()) {
            result = answer.get_object();
        } else {
            result["seq"] = seq;
            result["error"] = problem_text(reply);
        }
        const bool done = !result.contains("error") && text_at(result, "outcome") != "refused";
        ++counts[done ? "done" : "failed"];
        if (!flags.output.json()) print(result_line(result));
        results.push_back(std::move(result));
    }
    if (flags.output.json())
        print(json::serialize(json::object{{"matched", letters.size()},
                                           {"done", counts["done"]},
                                           {"failed", counts["failed"]},
                                           {"results", std::move(results)}}) +
              "\n");
    else if (letters.size() > 1)
        fmt::print(stderr, "{} of {} {}, {} not\n", with_commas(counts["done"]), with_commas(letters.size()),
                   drop ? "dropped" : "settled", with_commas(counts["failed"]));
    if (interrupts() > 0) return kInterrupted;
    return counts["failed"] > 0 ? kFailed : kOk;
}

void add_change(CLI::App& parent, bool drop, int& exit_code) {
    auto flags = std::make_shared<ChangeFlags>();
    CLI::App* command =
        parent.add_subcommand(drop ? "drop" : "retry", drop ? "Close dead letters that nobody needs"
                                                            : "Send dead letters through intake again");
    command->footer(
        drop ? "A dropped one stays in the log, with who dropped it and why, as long as retention keeps "
               "it.\n\n"
               "Examples:\n"
               "  penstock deadletter drop 1204 --note \"test traffic\"\n"
               "  penstock deadletter drop --cause bad_json --since 1d --dry-run\n"
               "Exit codes: 0 all were dropped, 1 some were not, 3 the appliance does not answer."
             : "As its tenant, from parsing on. What comes of it is the answer, and part of its history: "
               "stored, a "
               "duplicate,\nor refused again as a new dead letter.\n\n"
               "Examples:\n"
               "  penstock deadletter retry 1204\n"
               "  penstock deadletter retry 1204 --replace event.json --note \"region was mistyped\"\n"
               "  penstock deadletter retry --cause unknown_region --dry-run    # then without --dry-run\n"
               "Exit codes: 0 all are stored now, 1 some are not, 3 the appliance does not answer.");
    command->add_option("SEQ", flags->seqs, "log sequences");
    flags->choice.add_to(*command);
    command->remove_option(command->get_option("--status"));  // only open ones can be changed
    command->add_flag("--all", flags->all, "all that are open");
    command->add_option("--limit", flags->limit, "at most so many; 0: all that are like this")
        ->capture_default_str();
    command->add_flag("--dry-run", flags->dry_run, "only say which");
    if (!drop)
        command->add_option("--replace", flags->replace,
                            "send this file's event (JSON) instead of what was refused; - is stdin");
    command->add_option("--note", flags->note, "why; kept in the history");
    command->add_option("--by", flags->by, "who; without it user@host");
    flags->place.add_to(*command, false);
    flags->output.add_to(*command);
    command->callback([flags, drop, &exit_code] { exit_code = change(*flags, drop); });
}

}  // namespace

void add_deadletter(CLI::App& app, int& exit_code) {
    CLI::App* command =
        app.add_subcommand("deadletter", "Look at what was refused, send it again or drop it");
    command->require_subcommand(1);
    add_list(*command, exit_code);
    add_show(*command, exit_code);
    add_change(*command, false, exit_code);
    add_change(*command, true, exit_code);
}

}  // namespace penstock::cli
