#include "stages/sla/watch_rule.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <boost/json.hpp>
#include <set>

#include "pipeline/civil/duration.h"

namespace penstock {
namespace {

namespace json = boost::json;

constexpr size_t kRulesMax = 1'000, kRunbookBytesMax = 2'048;

}  // namespace

RuleView view_of_rule(const WatchRule& rule) {
    RuleView view;
    view.kind = rule.kind;
    view.name = rule.name;
    view.to = rule.type;
    view.severity = rule.severity;
    view.runbook = rule.runbook;
    return view;
}

void set_health(RuleView& view) {
    constexpr uint8_t kRedSeverity = 4;
    if (view.counts.in_trouble > 0)
        view.health = view.severity >= kRedSeverity ? Health::kRed : Health::kAmber;
    else
        view.health = view.counts.at_risk > 0 ? Health::kAmber : Health::kGreen;
}

const json::value* RuleReader::find(std::string_view name) const { return object_.if_contains(name); }

void RuleReader::common(RuleView::Kind kind, WatchRule& rule) {
    rule.kind = kind;
    rule.name = text("name");
    rule.type = text("type");
    rule.type_hash = XXH3_64bits(rule.type.data(), rule.type.size());
    condition(rule);
    if (const json::value* v = find("severity")) {
        if (v->is_int64() && v->get_int64() >= 1 && v->get_int64() <= 5)
            rule.severity = static_cast<uint8_t>(v->get_int64());
        else
            fault("severity", "must be an integer from 1 to 5, 5 the worst");
    }
    if (has("runbook")) {
        rule.runbook = text("runbook");
        if (!rule.runbook.starts_with("https://") && !rule.runbook.starts_with("http://"))
            fault("runbook", "must be a link that begins with https:// or http://");
        if (rule.runbook.size() > kRunbookBytesMax)
            fault("runbook", fmt::format("must have at most {} bytes", kRunbookBytesMax));
    }
    if (has("escalation")) rule.escalation = text("escalation");
}

void RuleReader::condition(WatchRule& rule) {
    if (!has("when")) return;
    const std::string condition = text("when");
    if (condition.empty()) return;
    try {
        rule.when = Expression::compile(condition, event_schema());
    } catch (const ExpressionError& e) {
        fault("when", e.what());
    }
}

std::optional<int64_t> RuleReader::duration(std::string_view name, int64_t least_ns, int64_t most_ns) {
    const json::value* v = find(name);
    if (!v) return std::nullopt;
    if (!v->is_string()) {
        fault(name, "must be a duration as text, for example \"90s\" or \"1h30m\"");
        return std::nullopt;
    }
    try {
        const int64_t ns = parse_duration(std::string_view(v->get_string()));
        if (ns >= least_ns && ns <= most_ns) return ns;
        fault(name,
              fmt::format("must be from {} to {}", format_duration(least_ns), format_duration(most_ns)));
    } catch (const CivilError& e) {
        fault(name, e.what());
    }
    return std::nullopt;
}

std::optional<KeySelector> RuleReader::selector(std::string_view name) {
    if (!has(name)) return std::nullopt;
    const std::string attribute = text(name);
    if (attribute.empty()) return std::nullopt;
    return parse_key_selector(attribute, pointer(name), faults_);
}

std::vector<std::string> RuleReader::texts(std::string_view name, size_t most) {
    std::vector<std::string> out;
    const json::value* v = find(name);
    if (!v) return out;
    if (!v->is_array() || v->get_array().empty() || v->get_array().size() > most) {
        fault(name, fmt::format("must be an array of 1 to {} non-empty strings", most));
        return out;
    }
    std::set<std::string_view> seen;
    const json::array& array = v->get_array();
    for (size_t i = 0; i < array.size(); ++i) {
        const std::string place = member_pointer(pointer(name), i);
        if (!array[i].is_string() || array[i].get_string().empty()) {
            faults_.add(place, "must be a non-empty string");
        } else if (const std::string_view item = array[i].get_string(); !seen.insert(item).second) {
            faults_.add(place, fmt::format("'{}' is there already; remove one", item));
        } else {
            out.emplace_back(item);
        }
    }
    return out;
}

void read_rules(const json::value& value, std::string_view pointer,
                std::initializer_list<std::string_view> members, Faults& faults,
                const std::function<std::string(RuleReader&)>& read) {
    if (!value.is_array() || value.get_array().empty() || value.get_array().size() > kRulesMax)
        return faults.add(pointer, fmt::format("must be an array of 1 to {} rules", kRulesMax));
    std::set<std::string> names;
    const json::array& array = value.get_array();
    for (size_t i = 0; i < array.size(); ++i) {
        const std::string place = member_pointer(pointer, i);
        if (!array[i].is_object()) {
            faults.add(place, "must be an object with name and type");
            continue;
        }
        check_members(array[i].get_object(), members, place, faults);
        RuleReader reader(array[i].get_object(), place, faults);
        const std::string name = read(reader);
        if (!name.empty() && !names.insert(name).second)
            faults.add(place + "/name", fmt::format("'{}' is taken; give each rule its own name", name));
    }
}

}  // namespace penstock
