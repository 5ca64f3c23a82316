#include "admin/http/alerts.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "admin/http/paging.h"
#include "admin/http/request_body.h"
#include "admin/http/text.h"

namespace penstock::http {
namespace {

namespace json = boost::json;

std::optional<uint64_t> parse_id(std::string_view text) {
    uint64_t id = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
    if (text.size() != 16 || fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return id;
}
std::string id_text(uint64_t id) { return fmt::format("{:016x}", id); }

Response no_such_alert(std::string_view id) {
    return problem(404, "no-such-alert", "There is no alert with this id",
                   fmt::format("\"{}\" is not known; GET /api/v1/alerts lists them", id));
}

std::string_view state_of(const Silence& s, StampNs now_ns) {
    if (s.ended || s.end_ns <= now_ns) return s.expired_by.empty() ? "ended" : "expired";
    return s.begin_ns <= now_ns ? "active" : "waiting";
}

}  // namespace

void write_step(JsonWriter& out, const AlertStep& s) {
    out.begin_object().field("seq", s.seq).field("at", rfc3339(s.at_ns)).field("episode", s.episode);
    out.field("version", s.version).field("step", kAlertStepNames[static_cast<size_t>(s.kind)]);
    out.field("by", s.by).field_if("cause", s.cause).field_if("note", s.note).end_object();
}

/// Writes alerts and silences as JSON.
class AlertDoor::Writer {
  public:
    explicit Writer(const AlertDoor& door) : door_(door) {}

    void summary(JsonWriter& out, const Alert& a) const {
        out.field("id", id_text(a.id)).field("tenant", door_.tenant_name(a.tenant));
        out.field("workflow", a.workflow).field("rule", a.rule).field_if("group", a.group);
        out.field("state", kAlertStateNames[static_cast<size_t>(a.state)]).field("severity", a.severity);
        out.field("episode", a.episode).field("version", a.version);
        out.field("open", a.open).field("total", a.total);
        out.field("first_deadline", rfc3339(a.first_deadline_ns));
        out.field("last_deadline", rfc3339(a.last_deadline_ns));
        out.field("began", rfc3339(a.began_ns)).field("changed", rfc3339(a.changed_ns));
        if (a.state == AlertState::kResolved)
            out.field("ended", rfc3339(a.ended_ns))
                .field("cause", kAlertEndNames[static_cast<size_t>(a.end)]);
        out.field_if("trouble", a.trouble).field_if("runbook", a.runbook);
        out.field_if("acked_by", a.acked_by).field_if("assignee", a.assignee);
        if (a.flapping) out.field("flapping", true);
        if (a.state == AlertState::kResolved) return;
        out.field_if("escalation", a.escalation);
        if (a.escalates_ns != 0) out.field("escalates", rfc3339(a.escalates_ns));
        const AlertSuppressions now = door_.book_.suppressions(a, door_.clock_.wall_ns());
        if (now.silence != 0) out.field("silence", now.silence);
        if (now.maintenance != 0) out.field("maintenance", now.maintenance);
        if (now.inhibited_by != 0) out.field("inhibited_by", id_text(now.inhibited_by));
    }
    void whole(JsonWriter& out, const Alert& a, const Scope& scope) const {
        out.begin_object();
        summary(out, a);
        out.key("instances").begin_array();
        for (const AlertInstance& i : a.instances) {
            out.begin_object().field("subject", door_.subject_of(i, scope));
            out.field("anchor_seq", i.anchor_seq).field("deadline", rfc3339(i.deadline_ns));
            out.field("state", kAlertEndNames[static_cast<size_t>(i.end)]);
            out.field("evidence", kEvidenceNames[static_cast<size_t>(i.evidence)]);
            if (i.end != AlertEnd::kNone) out.field("ended", rfc3339(i.end_ns));
            out.end_object();
        }
        out.end_array().key("history").begin_array();
        for (const AlertStep& s : a.history) write_step(out, s);
        out.end_array().key("notifications").begin_array();
        for (const AlertNotice& n : a.notices) {
            out.begin_object().field("id", fmt::format("ntf_{:016x}", n.effect_id));
            out.field("episode", n.episode).field("target", n.target).field("kind", n.kind);
            out.field("at", rfc3339(n.at_ns));
            out.field("state", kNoticeStateNames[static_cast<size_t>(n.state)]);
            if (n.state != NoticeState::kPending)
                out.field("attempts", n.attempts).field("done", rfc3339(n.done_ns));
            out.field_if("detail", n.detail).end_object();
        }
        out.end_array().end_object();
    }
    void silence(JsonWriter& out, const Silence& s) const {
        out.begin_object().field("id", s.id).field("state", state_of(s, door_.clock_.wall_ns()));
        if (s.tenant) out.field("tenant", door_.tenant_name(*s.tenant));
        if (s.workflow) out.field("workflow", *s.workflow);
        if (s.rule) out.field("rule", *s.rule);
        if (s.group) out.field("group", *s.group);
        if (s.severity_at_least != 0) out.field("severity_at_least", s.severity_at_least);
        out.field("begin", rfc3339(s.begin_ns)).field("end", rfc3339(s.end_ns));
        out.field("owner", s.owner).field("reason", s.reason).field("by", s.by);
        out.field_if("expired_by", s.expired_by).end_object();
    }

  private:
    const AlertDoor& door_;
};

AlertDoor::AlertDoor(const EventLog& log, const EventQueries& queries, const AlertReader& book,
                     ControlAsker& asker, const Clock& clock)
    : log_(log), queries_(queries), book_(book), asker_(asker), clock_(clock) {}

std::string AlertDoor::tenant_name(uint16_t id) const {
    const auto& tenants = log_.names().tenants;
    return id < tenants.size() ? tenants[id] : std::to_string(id);
}

bool AlertDoor::sees(const Scope& scope, const AlertScope& of) const {
    return !of.tenant || scope.sees_tenant(tenant_name(*of.tenant));
}

std::optional<Alert> AlertDoor::find(std::string_view id, const Scope& scope) const {
    const auto number = parse_id(id);
    auto found = number ? book_.alert(*number) : std::nullopt;
    if (found && !scope.sees_tenant(tenant_name(found->tenant))) found.reset();
    return found;
}

std::string AlertDoor::subject_of(const AlertInstance& instance, const Scope& scope) const {
    const auto found = instance.anchor_seq == 0 ? std::nullopt : queries_.event(instance.anchor_seq, scope);
    if (!found && !scope.all_regions()) return "(of another region, or no longer in the log)";
    if (!instance.key_text.empty()) return instance.key_text;
    if (!found) return "(no longer in the log)";
    const json::value item = json::parse(*found);
    const json::object& event = item.at("event").as_object();
    const json::value* subject = event.if_contains("subject");
    return std::string((subject ? *subject : event.at("id")).as_string());
}

Response AlertDoor::list(const Request& request) const {
    Parameters parameters(request.query,
                          {"limit", "after", "state", "severity_at_least", "tenant", "workflow", "group"});
    const size_t limit = parameters.number("limit", kItemsDefault, 1, kItemsMax);
    const std::string state = parameters.text("state"), tenant = parameters.text("tenant"),
                      after = parameters.text("after");
    AlertFilter filter;
    filter.workflow = parameters.text("workflow");
    if (const std::string group = parameters.text("group"); !group.empty()) filter.group = group;
    filter.severity_at_least = static_cast<uint8_t>(parameters.number("severity_at_least", 0, 1, 5));
    bool nothing = false;
    if (!state.empty()) {
        const auto at = std::find(kAlertStateNames.begin(), kAlertStateNames.end(), state);
        if (at == kAlertStateNames.end())
            parameters.wrong("state", fmt::format("must be one of {}", fmt::join(kAlertStateNames, ", ")));
        else
            filter.state = static_cast<AlertState>(at - kAlertStateNames.begin());
    }
    if (!tenant.empty()) {
        filter.tenant = log_.names().tenant(tenant);
        nothing = !filter.tenant;
    }
    std::optional<AlertCursor> cursor;
    if (!after.empty()) {
        const auto id = parse_id(after.substr(std::min(after.size(), after.find('-') + 1)));
        const auto began = parse_id(after.substr(0, after.find('-')));
        if (!id || !began)
            parameters.wrong("after", "is not a cursor; follow `next` of the page before");
        else
            cursor = AlertCursor{static_cast<StampNs>(*began), *id};
    }
    if (!parameters.errors.empty()) return bad_parameters(parameters.errors);
    std::vector<Alert> found;
    for (bool more = !nothing; more && found.size() <= limit;) {
        std::vector<Alert> some = book_.alerts(filter, cursor, limit + 1);
        more = some.size() > limit && !request.principal.scope.all_tenants();
        if (!some.empty()) cursor = AlertCursor{some.back().began_ns, some.back().id};
        for (Alert& a : some)
            if (found.size() <= limit && request.principal.scope.sees_tenant(tenant_name(a.tenant)))
                found.push_back(std::move(a));
    }
    std::string next;
    if (found.size() > limit) {
        found.pop_back();
        const Alert& last = found.back();
        next = fmt::format("{}?limit={}&after={:016x}-{}", request.path, limit,
                           static_cast<uint64_t>(last.began_ns), id_text(last.id));
        for (const char* name : {"state", "severity_at_least", "tenant", "workflow", "group"})
            if (const std::string value = parameters.text(name); !value.empty())
                next += fmt::format("&{}={}", name, percent_encode(value));
    }
    JsonWriter out;
    out.begin_object().key("items").begin_array();
    for (const Alert& a : found) {
        out.begin_object();
        Writer(*this).summary(out, a);
        out.end_object();
    }
    out.end_array().key("next");
    next.empty() ? out.null() : out.value(next);
    Response answer;
    answer.body = out.end_object().take();
    if (!next.empty()) answer.header("Link", fmt::format("<{}>; rel=\"next\"", next));
    return answer;
}

Response AlertDoor::alert_response(const Alert& alert, const Scope& scope) const {
    JsonWriter out;
    Writer(*this).whole(out, alert, scope);
    Response answer;
    answer.body = out.take();
    return answer;
}

Response AlertDoor::show(const Request& request, std::string_view id) const {
    const auto found = find(id, request.principal.scope);
    return found ? alert_response(*found, request.principal.scope) : no_such_alert(id);
}

/// 409, with what was done since the version that was expected.
Response AlertDoor::conflict(uint64_t id, uint64_t expected) const {
    const auto now = book_.alert(id);
    if (!now) return no_such_alert(id_text(id));
    std::string what = fmt::format("it is {} now, at version {}",
                                   kAlertStateNames[static_cast<size_t>(now->state)], now->version);
    JsonWriter out;
    out.begin_array();
    for (const AlertStep& s : now->history) {
        if (s.version <= expected || s.kind == AlertStepKind::kSent || s.kind == AlertStepKind::kNotSent)
            continue;
        write_step(out, s);
        what += fmt::format("; {} by {} at {}", kAlertStepNames[static_cast<size_t>(s.kind)], s.by,
                            rfc3339(s.at_ns));
    }
    Response answer = problem(409, "alert-changed", "The alert has changed, or its state does not allow this",
                              what + "; look at it and ask again");
    answer.body.pop_back();  // the object goes on
    answer.body += fmt::format(R"(,"version":{},"state":"{}","changes":{}}})", now->version,
                               kAlertStateNames[static_cast<size_t>(now->state)], out.end_array().take());
    return answer;
}

void AlertDoor::change(const Request& request, std::string_view id, ControlKind kind, const Answer& answer) {
    if (!asker_.ready(answer)) return;
    const auto found = find(id, request.principal.scope);
    if (!found) return answer(no_such_alert(id));
    const uint64_t number = found->id;
    const bool assigns = kind == ControlKind::kAlertAssigned;
    RequestBody body(request, assigns ? std::initializer_list<std::string_view>{"version", "by", "note", "to"}
                                      : std::initializer_list<std::string_view>{"version", "by", "note"});
    const auto version = body.number("version", 0, std::numeric_limits<int64_t>::max());
    json::object text{
        {"episode", found->episode}, {"by", who_did(request, body.text("by"))}, {"note", body.text("note")}};
    if (assigns) text["to"] = body.text("to");
    if (!version) body.wrong("\"version\" is missing: the alert's version that you have seen");
    if (kind == ControlKind::kAlertResolved) body.text("note", true);
    if (!body.fault.empty()) return answer(bad_body(body.fault));
    // An ack again where the severity has risen since, and the ladder was begun anew.
    const bool may_ack = found->state == AlertState::kFiring || found->state == AlertState::kPending ||
                         (found->state == AlertState::kAcked && found->escalates_ns != 0);
    const bool allowed = kind == ControlKind::kAlertAcked     ? may_ack
                         : kind == ControlKind::kAlertUnacked ? found->state == AlertState::kAcked
                                                              : found->state != AlertState::kResolved;
    if (found->version != *version || !allowed) return answer(conflict(number, *version));
    text["version"] = *version;
    asker_.ask(kind, id_text(number), json::serialize(text), answer,
               [this, alert = number, expected = *version, scope = request.principal.scope](Seq seq) {
                   if (book_.refused(seq)) return conflict(alert, expected);
                   const auto now = book_.alert(alert);
                   return now ? alert_response(*now, scope) : no_such_alert(id_text(alert));
               });
}

Response AlertDoor::silences(const Request& request) const {
    Parameters parameters(request.query, {"state"});
    const std::string state = parameters.text("state");
    constexpr std::array<std::string_view, 4> kStates{"waiting", "active", "ended", "expired"};
    if (!state.empty() && std::find(kStates.begin(), kStates.end(), state) == kStates.end())
        parameters.wrong("state", fmt::format("must be one of {}", fmt::join(kStates, ", ")));
    if (!parameters.errors.empty()) return bad_parameters(parameters.errors);
    JsonWriter out;
    out.begin_object().key("items").begin_array();
    for (const Silence& s : book_.silences())
        if ((state.empty() || state_of(s, clock_.wall_ns()) == state) && sees(request.principal.scope, s))
            Writer(*this).silence(out, s);
    Response answer;
    answer.body = out.end_array().end_object().take();
    return answer;
}

void AlertDoor::add_silence(const Request& request, const Answer& answer) {
    if (!asker_.ready(answer)) return;
    RequestBody body(request, {"tenant", "workflow", "rule", "group", "severity_at_least", "begin", "end",
                               "owner", "reason", "by"});
    const std::string tenant = body.text("tenant"), workflow = body.text("workflow"),
                      rule = body.text("rule"), group = body.text("group");
    const auto severity = body.number("severity_at_least", 1, 5);
    const auto begin = body.time("begin"), end = body.time("end");
    json::object text{{"owner", body.text("owner", true)},
                      {"reason", body.text("reason", true)},
                      {"by", who_did(request, body.text("by"))}};
    const StampNs now = clock_.wall_ns();
    if (!end) body.wrong("\"end\" is missing: no silence is for ever");
    if (end && *end <= now) body.wrong("\"end\" has passed");
    if (end && begin && *end <= *begin) body.wrong("\"end\" is not after \"begin\"");
    if (tenant.empty() && workflow.empty() && rule.empty() && group.empty() && !severity)
        body.wrong("give at least one of tenant, workflow, rule, group and severity_at_least");
    if (!tenant.empty()) {
        const auto known = log_.names().tenant(tenant);
        if (!known) body.wrong(fmt::format("\"tenant\": {} is not known", tenant));
        if (known) text["tenant"] = *known;
    }
    if (!body.fault.empty()) return answer(bad_body(body.fault));
    if (!workflow.empty()) text["workflow"] = workflow;
    if (!rule.empty()) text["rule"] = rule;
    if (!group.empty()) text["group"] = group;
    if (severity) text["severity_at_least"] = *severity;
    if (begin) text["begin_ns"] = *begin;
    text["end_ns"] = *end;
    asker_.ask(ControlKind::kSilenceAdded, "", json::serialize(text), answer, [this](Seq seq) {
        for (const Silence& s : book_.silences()) {
            if (s.id != seq) continue;
            JsonWriter out;
            Writer(*this).silence(out, s);
            Response made;
            made.status = 201;
            made.body = out.take();
            return made;
        }
        return problem(409, "not-silenced", "The silence was not added",
                       "its end has passed meanwhile, or there are too many; expire some");
    });
}

void AlertDoor::expire_silence(const Request& request, std::string_view id, const Answer& answer) {
    if (!asker_.ready(answer)) return;
    const auto number = parse_unsigned(id);
    const auto all = book_.silences();
    const auto at = std::find_if(all.begin(), all.end(), [&](const Silence& s) { return s.id == number; });
    if (at == all.end())
        return answer(problem(404, "no-such-silence", "There is no silence with this id",
                              "GET /api/v1/silences lists them"));
    RequestBody body(request, {"by"});
    const std::string by = who_did(request, body.text("by"));
    if (!body.fault.empty()) return answer(bad_body(body.fault));
    const auto over = [](const Silence& s) {
        return problem(409, "silence-over", "The silence is over",
                       s.expired_by.empty() ? "its end has come" : fmt::format("{} ended it", s.expired_by));
    };
    if (at->ended) return answer(over(*at));
    asker_.ask(ControlKind::kSilenceExpired, std::to_string(*number),
               json::serialize(json::object{{"by", by}}), answer, [this, number, over](Seq seq) {
                   for (const Silence& s : book_.silences()) {
                       if (s.id != number) continue;
                       if (book_.refused(seq)) return over(s);
                       JsonWriter out;
                       Writer(*this).silence(out, s);
                       Response done;
                       done.body = out.take();
                       return done;
                   }
                   return problem(404, "no-such-silence", "There is no silence with this id",
                                  "it was forgotten");
               });
}

}  // namespace penstock::http
