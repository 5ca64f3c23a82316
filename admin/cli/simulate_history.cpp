#include "admin/cli/simulate_history.h"

#include <boost/json.hpp>
#include <chrono>
#include <map>
#include <thread>

#include "admin/cli/json_members.h"
#include "admin/cli/letter_source.h"
#include "admin/http/text.h"

namespace penstock::cli {
namespace {

namespace json = boost::json;

constexpr auto kAskEvery = std::chrono::milliseconds(250);
constexpr size_t kShownMax = 20;

double real_at(const json::object& o, std::string_view name) {
    const json::value* v = o.if_contains(name);
    json::error_code failed;
    return v && v->is_number() ? v->to_number<double>(failed) : 0;
}

void show_progress(const json::object& simulation) {
    if (!stderr_is_terminal()) return;
    fmt::print(stderr, "\r{:>3.0f} %  {} events, {}    ", real_at(simulation, "progress") * 100,
               with_commas(number_at(simulation, "events")),
               short_rate(real_at(simulation, "events_per_second")));
}

std::string rules_table(const json::object& s) {
    std::map<std::string, const json::object*> before;
    const json::value* baseline = s.if_contains("baseline");
    if (baseline && baseline->is_object())
        for (const json::value& v : list_at(baseline->get_object(), "rules"))
            before[text_at(v.as_object(), "name")] = &v.as_object();
    std::string out = coloured(
        Ink::kBold,
        fmt::format("{:<40} {:>11} {:>17} {:>17} {:>17}\n", "rule", "anchored", "met", "late", "missed"),
        true);
    const json::value* candidate = s.if_contains("candidate");
    if (!candidate || !candidate->is_object()) return out;
    for (const json::value& v : list_at(candidate->get_object(), "rules")) {
        const json::object& r = v.as_object();
        const auto was = before.find(text_at(r, "name"));
        const auto count = [&](std::string_view name) {
            const std::string now = with_commas(number_at(r, name));
            if (was == before.end() || number_at(*was->second, name) == number_at(r, name)) return now;
            return fmt::format("{} -> {}", with_commas(number_at(*was->second, name)), now);
        };
        out += fmt::format("{:<40} {:>11} {:>17} {:>17} {:>17}\n", one_line(text_at(r, "name")),
                           count("anchored"), count("met"), count("late"), count("missed"));
    }
    return out;
}

std::string difference_text(const json::object& s, const char* name, const char* about, Ink ink) {
    const json::value* d = s.if_contains(name);
    const uint64_t total = d && d->is_object() ? number_at(d->get_object(), "total") : 0;
    std::string out = fmt::format("\n{}: {}\n", about, with_commas(total));
    if (total == 0) return out;
    size_t shown = 0;
    for (const json::value& v : list_at(d->get_object(), "shown")) {
        if (shown == kShownMax) break;
        ++shown;
        const json::object& t = v.as_object();
        std::string line = fmt::format("  due {} UTC  {}: {}", short_time(text_at(t, "deadline")),
                                       text_at(t, "rule"), text_at(t, "key"));
        if (const std::string was = text_at(t, "baseline_deadline"); !was.empty())
            line += fmt::format(", was due {} UTC", short_time(was));
        out += coloured(ink, one_line(std::move(line)), true) + "\n";
    }
    if (total > shown)
        out += fmt::format("  and {} more; -o json has up to 1,000\n", with_commas(total - shown));
    return out;
}

std::string result_text(const json::object& s) {
    std::string out = fmt::format("{} events from {} to {} UTC\n\n", with_commas(number_at(s, "events")),
                                  short_time(text_at(s, "first_record")), short_time(text_at(s, "to")));
    out += rules_table(s);
    out += difference_text(s, "added", "troubles that only this document finds", Ink::kRed);
    out += difference_text(s, "removed", "that only the active version finds", Ink::kGreen);
    out += difference_text(s, "moved", "of the same key, at another deadline", Ink::kYellow);
    if (flag_at(s, "differences_cut"))
        out += "There were too many differences; they are counted from the beginning of the span only.\n";
    for (const json::value& v : list_at(s, "findings")) {
        const json::object& f = v.as_object();
        out += one_line(fmt::format("  {} {}: {} {}, due {} UTC", short_time(text_at(f, "at")),
                                    text_at(f, "of"), text_at(f, "rule"), text_at(f, "kind"),
                                    short_time(text_at(f, "deadline")))) +
               "\n";
    }
    return out;
}

}  // namespace

int simulate_history(const std::string& document, HistoryFlags flags) {
    settle_time(flags.from, "--from");
    settle_time(flags.to, "--to");
    json::error_code failed;
    json::object body{{"document", json::parse(document, failed)}};
    if (failed) throw CommandError(kUsage, fmt::format("the workflow is no JSON: {}", failed.message()));
    const std::pair<const char*, const std::string*> texts[] = {{"region", &flags.region},
                                                                {"from", &flags.from},
                                                                {"to", &flags.to},
                                                                {"key", &flags.key},
                                                                {"tenant", &flags.tenant}};
    for (const auto& [name, value] : texts)
        if (!value->empty()) body[name] = *value;
    catch_interrupts();
    const std::string id = text_at(flags.place.post("/api/v1/simulations", body), "id");
    const std::string target = "/api/v1/simulations/" + http::percent_encode(id);
    json::object now = flags.place.get(target);
    while (text_at(now, "state") == "running") {
        show_progress(now);
        std::this_thread::sleep_for(kAskEvery);
        if (interrupts() > 0) {
            flags.place.remove(target);
            throw CommandError(kInterrupted, fmt::format("simulation {} was cancelled", id));
        }
        now = flags.place.get(target);
    }
    if (stderr_is_terminal()) fmt::print(stderr, "\r\033[K");
    if (text_at(now, "state") != "done")
        throw CommandError(
            kFailed, fmt::format("simulation {} {}: {}", id, text_at(now, "state"), text_at(now, "failure")));
    flags.place.show(now, result_text(now));
    return kOk;
}

}  // namespace penstock::cli
