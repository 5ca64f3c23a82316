// Maintenance windows over HTTP.
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "admin/http/alerts.h"
#include "admin/http/paging.h"
#include "admin/http/request_body.h"
#include "admin/http/text.h"
#include "pipeline/civil/duration.h"
#include "pipeline/civil/schedule.h"
#include "pipeline/faults.h"
#include "pipeline/rfc3339.h"

namespace penstock::http {
namespace {

namespace json = boost::json;

constexpr int64_t kLongestNs = 31LL * 86'400 * 1'000'000'000;
constexpr std::array<std::string_view, 3> kStates{"waiting", "active", "ended"};

std::string_view state_of(const MaintenanceWindow& w, StampNs now_ns) {
    if (w.active(now_ns)) return "active";
    return w.ended || (w.schedule.empty() && w.end_ns <= now_ns) ? "ended" : "waiting";
}

/// Members of the body, read one by one; what is wrong goes to `faults`.
struct Members {
    const json::object& object;
    Faults& faults;

    std::string text(std::string_view name, bool required = false) const {
        const json::value* v = object.if_contains(name);
        const std::string pointer = member_pointer("", name);
        if (v == nullptr) {
            if (required) faults.add(pointer, "is missing; give a non-empty string");
            return {};
        }
        if (!v->is_string() || v->get_string().empty() || v->get_string().size() > kTextBytesMax) {
            faults.add(pointer, fmt::format("must be a string of 1 to {} bytes", kTextBytesMax));
            return {};
        }
        return std::string(v->get_string());
    }
    std::optional<StampNs> time(std::string_view name) const {
        const std::string given = text(name);
        if (given.empty()) return std::nullopt;
        const auto at = parse_rfc3339(given);
        if (!at)
            faults.add(member_pointer("", name), "must be an RFC 3339 instant, such as 2026-01-31T08:00:00Z");
        return at;
    }
};

/// Once: from begin to end.
void read_once(const Members& m, std::optional<StampNs> end, Faults& faults) {
    if (!end && !m.object.contains("end"))
        faults.add("/end",
                   "is missing; give an instant, or a schedule for a window that comes again and again");
    for (const char* name : {"duration", "last_date"})
        if (m.object.contains(name))
            faults.add(member_pointer("", name), "is for a window with a schedule; take it out");
}

/// Again and again: by the schedule, each for the duration.
void read_recurring(const Members& m, json::object& record, Faults& faults) {
    const json::value& schedule = m.object.at("schedule");
    if (read_schedule(schedule, "/schedule", {}, faults)) record["schedule"] = schedule;
    if (const std::string text = m.text("duration", true); !text.empty()) {
        int64_t ns = 0;
        try {
            ns = parse_duration(text);
        } catch (const CivilError&) {
        }
        if (ns <= 0 || ns > kLongestNs)
            faults.add("/duration", "must be a duration of at most 31d; write for example 2h");
        record["duration_ns"] = ns;
    }
    if (const std::string text = m.text("last_date"); !text.empty()) {
        if (!parse_date(text)) faults.add("/last_date", "is not a date; write it as 2026-12-25");
        record["last_date"] = text;
    }
}

Response no_such_window() {
    return problem(404, "no-such-maintenance", "There is no maintenance window with this id",
                   "GET /api/v1/maintenance lists them");
}

}  // namespace

std::string AlertDoor::window_json(const MaintenanceWindow& w) const {
    const StampNs now = clock_.wall_ns();
    JsonWriter out;
    out.begin_object().field("id", w.id).field("state", state_of(w, now));
    out.field("effect", w.do_not_expect ? "do_not_expect" : "mute");
    if (w.tenant) out.field("tenant", tenant_name(*w.tenant));
    if (w.workflow) out.field("workflow", *w.workflow);
    if (w.rule) out.field("rule", *w.rule);
    if (w.group) out.field("group", *w.group);
    out.field("begin", rfc3339(w.begin_ns));
    if (w.end_ns != MaintenanceWindow::kForever) out.field("end", rfc3339(w.end_ns));
    if (!w.schedule.empty()) {
        out.key("schedule").raw(w.schedule).field("duration", format_duration(w.duration_ns));
        out.field_if("last_date", w.last_date);
        if (w.span_end_ns != 0)
            out.field("next_begin", rfc3339(w.span_begin_ns)).field("next_end", rfc3339(w.span_end_ns));
    }
    out.field("owner", w.owner).field("reason", w.reason).field("by", w.by);
    return out.field_if("ended_by", w.ended_by).end_object().take();
}

Response AlertDoor::maintenance(const Request& request) const {
    Parameters parameters(request.query, {"state"});
    const std::string state = parameters.text("state");
    if (!state.empty() && std::find(kStates.begin(), kStates.end(), state) == kStates.end())
        parameters.wrong("state", fmt::format("must be one of {}", fmt::join(kStates, ", ")));
    if (!parameters.errors.empty()) return bad_parameters(parameters.errors);
    JsonWriter out;
    out.begin_object().key("items").begin_array();
    for (const MaintenanceWindow& w : book_.maintenance())
        if ((state.empty() || state_of(w, clock_.wall_ns()) == state) && sees(request.principal.scope, w))
            out.raw(window_json(w));
    Response answer;
    answer.body = out.end_array().end_object().take();
    return answer;
}

void AlertDoor::add_maintenance(const Request& request, const Answer& answer) {
    if (!asker_.ready(answer)) return;
    const auto bad = [&](std::string_view what) {
        answer(problem(400, "bad-body", "The request's body is wrong", what));
    };
    json::value root;
    try {
        root = parse_json_document(request.body);
    } catch (const CivilError& e) {
        return bad(e.what());
    }
    if (!root.is_object()) return bad("/: must be an object");
    Faults faults;
    const Members m{root.get_object(), faults};
    check_members(m.object,
                  {"tenant", "workflow", "rule", "group", "effect", "begin", "end", "schedule", "duration",
                   "last_date", "owner", "reason", "by"},
                  "", faults);
    json::object record;
    for (const char* name : {"workflow", "rule", "group"})
        if (const std::string text = m.text(name); !text.empty()) record[name] = text;
    if (const std::string tenant = m.text("tenant"); !tenant.empty()) {
        const auto known = log_.names().tenant(tenant);
        if (known)
            record["tenant"] = *known;
        else
            faults.add("/tenant", fmt::format("{} is not known", tenant));
    }
    const bool open = !m.object.contains("tenant") && !m.object.contains("workflow") &&
                      !m.object.contains("rule") && !m.object.contains("group");
    if (open) faults.add("", "matches everything; give at least one of tenant, workflow, rule and group");
    const std::string effect = m.text("effect");
    if (!effect.empty() && effect != "mute" && effect != "do_not_expect")
        faults.add("/effect", "is not known; write mute or do_not_expect");
    record["effect"] = effect.empty() ? "mute" : effect;
    const auto begin = m.time("begin"), end = m.time("end");
    if (m.object.contains("schedule"))
        read_recurring(m, record, faults);
    else
        read_once(m, end, faults);
    if (end && *end <= clock_.wall_ns()) faults.add("/end", "has passed; give a later instant");
    if (begin && end && *end <= *begin) faults.add("/end", "is not after /begin");
    if (begin) record["begin_ns"] = *begin;
    if (end) record["end_ns"] = *end;
    record["owner"] = m.text("owner", true);
    record["reason"] = m.text("reason", true);
    const std::string by = who_did(request, m.text("by"));
    record["by"] = by;
    if (faults.count() > 0) return bad(faults.text());
    asker_.ask(ControlKind::kMaintenanceAdded, "", json::serialize(record), answer, [this](Seq seq) {
        for (const MaintenanceWindow& w : book_.maintenance()) {
            if (w.id != seq) continue;
            Response made;
            made.status = 201;
            made.body = window_json(w);
            return made;
        }
        return problem(409, "not-added", "The maintenance window was not added",
                       "no occurrence of it is to come, or there are too many windows; end some");
    });
}

void AlertDoor::end_maintenance(const Request& request, std::string_view id, const Answer& answer) {
    if (!asker_.ready(answer)) return;
    Parameters parameters(request.query, {"by"});
    if (!parameters.errors.empty()) return answer(bad_parameters(parameters.errors));
    const std::string by = who_did(request, parameters.text("by"));
    const auto number = parse_unsigned(id);
    const auto all = book_.maintenance();
    const auto at = std::find_if(all.begin(), all.end(), [&](const auto& w) { return w.id == number; });
    if (at == all.end()) return answer(no_such_window());
    const auto over = [](const MaintenanceWindow& w) {
        return problem(409, "maintenance-over", "The maintenance window is over",
                       w.ended_by.empty() ? "its end has come" : fmt::format("{} ended it", w.ended_by));
    };
    if (at->ended) return answer(over(*at));
    asker_.ask(ControlKind::kMaintenanceEnded, std::to_string(*number),
               json::serialize(json::object{{"by", by}}), answer, [this, number, over](Seq seq) {
                   for (const MaintenanceWindow& w : book_.maintenance()) {
                       if (w.id != number) continue;
                       if (book_.refused(seq)) return over(w);
                       Response done;
                       done.body = window_json(w);
                       return done;
                   }
                   return no_such_window();
               });
}

}  // namespace penstock::http
