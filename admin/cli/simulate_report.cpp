#include "admin/cli/simulate_report.h"

#include <fmt/format.h>

#include "admin/cli/event_text.h"
#include "admin/cli/terminal.h"

namespace penstock::cli {
namespace {

bool is_on_the_clock(const RuleView& rule) { return rule.kind != RuleView::Kind::kEdge; }
std::string_view kind_of(const RuleView& rule) { return kRuleKindNames[static_cast<size_t>(rule.kind)]; }

std::string counts_json(const RuleCounts& c) {
    return fmt::format(
        "   \"anchored\": {},\n   \"met\": {},\n   \"late\": {},\n   \"missed\": {},\n   \"pending\": {}",
        c.anchored, c.met, c.late, c.missed, c.pending);
}

std::string rule_json(const RuleView& r) {
    return fmt::format(
        "   \"name\": {},\n   \"kind\": \"{}\",\n   \"type\": {},\n{},\n   \"duplicates\": {},\n   "
        "\"unmatched\": {}",
        json_string(r.name), kind_of(r), json_string(r.to), counts_json(r.counts), r.duplicates, r.unmatched);
}

std::string group_json(const GroupView& g) {
    return fmt::format(
        "   \"group\": {},\n   \"in_flight\": {},\n   \"completed\": {},\n   \"failed\": {},\n{},\n   "
        "\"cancelled\": {}",
        json_string(g.group), g.in_flight, g.completed, g.failed, counts_json(g.counts), g.counts.cancelled);
}

}  // namespace

std::string rules_and_groups_json(const WorkflowView& view) {
    std::string rules, groups;
    const auto add = [](std::string& to, const std::string& members) {
        to += fmt::format("{}\n  {{\n{}\n  }}", to.empty() ? "" : ",", members);
    };
    for (const RuleView& r : view.rules)
        if (is_on_the_clock(r)) add(rules, rule_json(r));
    for (const GroupView& g : view.groups) add(groups, group_json(g));
    std::string out;
    if (!rules.empty()) out += fmt::format(",\n \"rules\": [{}\n ]", rules);
    if (!groups.empty()) out += fmt::format(",\n \"groups\": [{}\n ]", groups);
    return out;
}

std::string rules_and_groups_table(const WorkflowView& view) {
    std::string rules, groups;
    const auto row = [](std::string& to, const std::string& name, const auto&... cells) {
        to += fmt::format("{:<52}", name);
        ((to += fmt::format(" {:>9}", cells)), ...);
        to += '\n';
    };
    for (const RuleView& r : view.rules) {
        if (!is_on_the_clock(r)) continue;
        if (rules.empty()) {
            rules = "\n";
            row(rules, "rule", "anchored", "met", "late", "missed", "pending", "duplicate", "unmatched");
        }
        row(rules, fmt::format("{} ({} {})", r.name, kind_of(r), r.to), r.counts.anchored, r.counts.met,
            r.counts.late, r.counts.missed, r.counts.pending, r.duplicates, r.unmatched);
    }
    for (const GroupView& g : view.groups) {
        if (groups.empty()) {
            groups = "\n";
            row(groups, "group", "in flight", "completed", "failed", "met", "late", "missed", "pending");
        }
        row(groups, g.group, g.in_flight, g.completed, g.failed, g.counts.met, g.counts.late, g.counts.missed,
            g.counts.pending);
    }
    return rules + groups;
}

std::string order_json(const DisorderCounts& disorder) {
    return fmt::format(" \"order\": {{\"unexpected\": {}, \"out_of_order\": {}, \"duplicate\": {}}},\n",
                       disorder.unexpected, disorder.out_of_order, disorder.duplicate);
}

std::string order_text(const DisorderCounts& disorder) {
    if (disorder.unexpected + disorder.out_of_order + disorder.duplicate == 0) return "";
    return fmt::format("\n{} events were unexpected, {} out of order, {} duplicate\n",
                       with_commas(disorder.unexpected), with_commas(disorder.out_of_order),
                       with_commas(disorder.duplicate));
}

}  // namespace penstock::cli
