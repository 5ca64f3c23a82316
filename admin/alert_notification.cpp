// What a target is sent: JSON for programs, a subject and a text for people.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "admin/appliance_alerts.h"
#include "admin/http/text.h"

namespace penstock {
namespace {

constexpr size_t kSubjectsInText = 5;

/// To the second, which is what a person reads.
std::string seconds_text(StampNs stamp) {
    std::string text = http::rfc3339(stamp);
    return text.substr(0, 10) + " " + text.substr(11, 8) + " UTC";
}

std::string duration_text(int64_t ns) {
    const int64_t s = std::max<int64_t>(ns / 1'000'000'000, 0);
    if (s < 120) return fmt::format("{} s", s);
    if (s < 7'200) return fmt::format("{} min", s / 60);
    return fmt::format("{} h {} min", s / 3'600, s / 60 % 60);
}

std::string subjects_text(const std::vector<std::string>& subjects, uint64_t count) {
    const size_t shown = std::min(subjects.size(), kSubjectsInText);
    const std::vector<std::string> last(subjects.end() - static_cast<ptrdiff_t>(shown), subjects.end());
    std::string text = fmt::format("{}", fmt::join(last, ", "));
    if (count > shown && shown > 0) text += fmt::format(" and {} more", count - shown);
    return text;
}

std::string what_ended(AlertEnd end) {
    switch (end) {
        case AlertEnd::kDeliveredLate:
            return "all events came; the last had happened in time and was delivered late";
        case AlertEnd::kLate:
            return "all events came; the last happened after its deadline";
        case AlertEnd::kWithdrawn:
            return "nothing is waited for any more: the rule was changed, or the case has ended";
        case AlertEnd::kRuleRetired:
            return "the workflow was retired";
        case AlertEnd::kRecovered:
            return "what was wrong is right again";
        case AlertEnd::kClosed:
            return "closed by a person";
        case AlertEnd::kNone:
            break;
    }
    return "";
}

std::string what_is_wrong(const PendingNotice& n) {
    const std::string count = fmt::format("{} {} {}", n.open, n.open == 1 ? "is" : "are",
                                          n.trouble == "disorder"       ? "out of order now"
                                          : n.trouble == "out_of_range" ? "out of range now"
                                                                        : "overdue now");
    const std::string_view what = n.trouble == "disorder"       ? "came out of order"
                                  : n.trouble == "out_of_range" ? "left its bounds"
                                                                : "did not happen in time";
    const std::string_view first =
        n.trouble.empty() || n.trouble == "missed" ? "first deadline" : "first time";
    return fmt::format("{} of workflow {} {}: {}, {} in all.\nThe {} was {}, the last {}.\n", n.rule,
                       n.workflow, what, count, n.total, first, seconds_text(n.first_deadline_ns),
                       seconds_text(n.last_deadline_ns));
}

std::string subject_line(const NoticeAlert& n) {
    const std::string what =
        fmt::format("{}: {}{}", n.workflow, n.rule, n.group.empty() ? "" : fmt::format(" [{}]", n.group));
    if (n.kind == "alert.flapping") return fmt::format("FLAPPING (severity {}) {}", n.severity, what);
    if (n.state == AlertState::kResolved) return "RESOLVED " + what;
    const std::string_view word = n.kind == "alert.repeated"      ? "STILL FIRING"
                                  : n.kind == "alert.severity"    ? "WORSE"
                                  : n.kind == "alert.escalated"   ? "ESCALATED, FIRING"
                                  : n.kind == "silence.ended"     ? "SILENCE ENDED, FIRING"
                                  : n.kind == "maintenance.ended" ? "MAINTENANCE ENDED, FIRING"
                                                                  : "FIRING";
    const std::string_view count = n.trouble == "disorder"       ? "out of order"
                                   : n.trouble == "out_of_range" ? "out of range"
                                                                 : "overdue";
    return fmt::format("{} (severity {}) {}: {} {}", word, n.severity, what, n.open, count);
}

std::string body_text(const PendingNotice& n, std::string_view tenant,
                      const std::vector<std::string>& subjects) {
    std::string out;
    if (n.kind == "alert.flapping")
        out = fmt::format("It fires and resolves again and again; you are told when it is steady. {}\n",
                          n.state == AlertState::kResolved ? "Now it is resolved." : "Now it is firing.");
    else if (n.state == AlertState::kResolved)
        out =
            fmt::format("It is over: {}.\nIt took {}, from {} to {}.\n", what_ended(n.end),
                        duration_text(n.at_ns - n.began_ns), seconds_text(n.began_ns), seconds_text(n.at_ns));
    else
        out = what_is_wrong(n);
    if (!n.reason.empty())
        out +=
            fmt::format("{}: {}\n", n.state == AlertState::kResolved ? "Note" : "Why you are told", n.reason);
    if (!subjects.empty())
        out += fmt::format("Affected: {}\n",
                           subjects_text(subjects, n.state == AlertState::kResolved ? n.total : n.open));
    if (!n.runbook.empty()) out += fmt::format("What to do: {}\n", n.runbook);
    out += fmt::format("\nTenant {}{}, severity {}, episode {}.\n", tenant,
                       n.group.empty() ? "" : fmt::format(", {}", n.group), n.severity, n.episode);
    if (n.state != AlertState::kResolved)
        out += fmt::format(
            "\nTake it:     penstock alert ack {0:016x}\nLook at it:  penstock alert show "
            "{0:016x}\n",
            n.alert);
    else
        out += fmt::format("\nLook at it:  penstock alert show {:016x}\n", n.alert);
    return out;
}

// --- groups -----------------------------------------------------------------------------------------------

std::string tenant_text(uint16_t tenant, const LogNames& names) {
    return tenant < names.tenants.size() ? names.tenants[tenant] : std::to_string(tenant);
}

/// What its alerts have in common.
std::string group_label(const NoticeGroupKey& key, const LogNames& names) {
    std::vector<std::string> parts;
    if (key.by & kByTenant) parts.push_back("tenant " + tenant_text(key.tenant, names));
    if (key.by & kByWorkflow) parts.push_back("workflow " + key.workflow);
    if (key.by & kBySeverity) parts.push_back(fmt::format("severity {}", key.severity));
    if (key.by & kByGroup) parts.push_back(key.group.empty() ? "without a group" : key.group);
    return fmt::format("{}", fmt::join(parts, ", "));
}

std::string group_subject_line(const PendingNotice& n, const LogNames& names) {
    std::vector<std::string> counts;
    if (n.firing > 0) counts.push_back(fmt::format("FIRING {}", n.firing));
    if (n.acked > 0) counts.push_back(fmt::format("ACKED {}", n.acked));
    if (n.resolved > 0) counts.push_back(fmt::format("RESOLVED {}", n.resolved));
    std::string out = fmt::format("{}", fmt::join(counts, ", "));
    if (n.severity > 0 && !(n.group_key.by & kBySeverity)) out += fmt::format(" (severity {})", n.severity);
    return fmt::format("{}: {}", out, group_label(n.group_key, names));
}

std::string group_text(const PendingNotice& n, const LogNames& names,
                       const std::vector<std::vector<std::string>>& subjects) {
    std::string out = fmt::format("{} firing, {} acked, {} resolved; {}.\n", n.firing, n.acked, n.resolved,
                                  group_label(n.group_key, names));
    for (size_t i = 0; i < n.alerts.size(); ++i) {
        const NoticeAlert& a = n.alerts[i];
        const bool over = a.state == AlertState::kResolved;
        // Those of which nothing is new fire on.
        out += fmt::format("\n{}{}\n", a.kind.empty() ? "STILL " : "", subject_line(a));
        if (over && a.kind == "alert.resolved") out += fmt::format("  It is over: {}.\n", what_ended(a.end));
        if (!a.reason.empty()) out += fmt::format("  {}: {}\n", over ? "Note" : "Why you are told", a.reason);
        if (!subjects[i].empty())
            out += fmt::format("  Affected: {}\n", subjects_text(subjects[i], over ? a.total : a.open));
        if (!over && !a.runbook.empty()) out += fmt::format("  What to do: {}\n", a.runbook);
        if (!(n.group_key.by & kByTenant)) out += fmt::format("  Tenant {}\n", tenant_text(a.tenant, names));
        out += fmt::format("  penstock alert show {:016x}\n", a.alert);
    }
    const uint64_t more = n.firing + n.acked + n.resolved - n.alerts.size();
    if (more > 0) out += fmt::format("\nAnd {} more: penstock alert list\n", more);
    return out;
}

// --- payloads ---------------------------------------------------------------------------------------------

/// Up to what is of its kind: inside `data`.
http::JsonWriter envelope_of(const PendingNotice& n) {
    http::JsonWriter out;
    out.begin_object().field("type", n.kind).field("timestamp", http::rfc3339(n.at_ns));
    out.key("data").begin_object().field("id", effect_text(n.effect_id)).field("kind", n.kind);
    out.field("at", http::rfc3339(n.at_ns));
    return out;
}

/// The object stays open.
void write_alert(http::JsonWriter& out, const NoticeAlert& n, const std::string& tenant) {
    out.begin_object().field("id", fmt::format("{:016x}", n.alert)).field("tenant", tenant);
    out.field("workflow", n.workflow).field("rule", n.rule).field_if("group", n.group);
    out.field_if("trouble", n.trouble).field_if("runbook", n.runbook).field("severity", n.severity);
    out.field("state", kAlertStateNames[static_cast<size_t>(n.state)]);
    if (n.state == AlertState::kResolved) out.field("cause", kAlertEndNames[static_cast<size_t>(n.end)]);
    out.field("episode", n.episode).field("version", n.version).field("open", n.open).field("total", n.total);
    out.field("first_deadline", http::rfc3339(n.first_deadline_ns));
    out.field("last_deadline", http::rfc3339(n.last_deadline_ns));
}

void write_subjects(http::JsonWriter& out, const std::vector<std::string>& subjects) {
    out.begin_array();
    for (const std::string& subject : subjects) out.value(subject);
    out.end_array();
}

Notification notification(const PendingNotice& n, http::JsonWriter& json) {
    Notification to;
    to.effect_id = n.effect_id;
    to.channel = n.target;
    to.kind = n.kind;
    to.at_ns = n.at_ns;
    to.json = json.take();
    return to;
}

}  // namespace

Notification notification_of(const PendingNotice& n, const LogNames& names,
                             const std::vector<std::string>& subjects) {
    const std::string tenant = tenant_text(n.tenant, names);
    http::JsonWriter out = envelope_of(n);
    out.field_if("reason", n.reason).key("alert");
    write_alert(out, n, tenant);
    out.end_object();
    write_subjects(out.key("subjects"), subjects);
    out.field("link", fmt::format("/alerts/{:016x}", n.alert)).end_object().end_object();
    Notification to = notification(n, out);
    to.subject = subject_line(n);
    to.text = body_text(n, tenant, subjects);
    return to;
}

Notification group_notification_of(const PendingNotice& n, const LogNames& names,
                                   const std::vector<std::vector<std::string>>& subjects) {
    http::JsonWriter out = envelope_of(n);
    out.key("group").begin_object().field("id", fmt::format("{:016x}", n.group_id));
    if (n.group_key.by & kByTenant) out.field("tenant", tenant_text(n.group_key.tenant, names));
    if (n.group_key.by & kByWorkflow) out.field("workflow", n.group_key.workflow);
    if (n.group_key.by & kBySeverity) out.field("severity", n.group_key.severity);
    if (n.group_key.by & kByGroup) out.field("group", n.group_key.group);
    out.end_object().key("counts").begin_object().field("firing", n.firing).field("acked", n.acked);
    out.field("resolved", n.resolved).end_object().key("alerts").begin_array();
    for (size_t i = 0; i < n.alerts.size(); ++i) {
        const NoticeAlert& a = n.alerts[i];
        write_alert(out, a, tenant_text(a.tenant, names));
        out.field_if("kind", a.kind).field_if("reason", a.reason);
        write_subjects(out.key("subjects"), subjects[i]);
        out.field("link", fmt::format("/alerts/{:016x}", a.alert)).end_object();
    }
    out.end_array().field("link", "/alerts").end_object().end_object();
    Notification to = notification(n, out);
    to.subject = group_subject_line(n, names);
    to.text = group_text(n, names, subjects);
    return to;
}

}  // namespace penstock
