// [[alerts.inhibit]] and [[alerts.escalation]]: reading, and the checks.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "admin/config_loader.h"
#include "pipeline/civil/duration.h"

namespace penstock {
namespace {

constexpr size_t kInhibitMax = 100, kLaddersMax = 100, kStepsMax = 20;
constexpr int64_t kLongestNs = 30LL * 86'400 * 1'000'000'000;

}  // namespace

int64_t ConfigLoader::duration_of(const toml::table& table, std::string_view key, const std::string& prefix) {
    const toml::node* node = table.get(key);
    const std::string name = prefix + std::string(key);
    origins_[name] = node == nullptr ? at(table) : at(*node);
    const auto* text = node == nullptr ? nullptr : node->as_string();
    try {
        const int64_t ns = text == nullptr ? 0 : parse_duration(text->get());
        if (ns > 0 && ns <= kLongestNs) return ns;
    } catch (const CivilError&) {
    }
    fault(origins_[name], name, "must be a duration of at most 30d; write for example \"15m\"");
    return 0;
}

Config::Alerts::Matcher ConfigLoader::read_matcher(const toml::table& table, std::string_view key,
                                                   const std::string& prefix) {
    Config::Alerts::Matcher matcher;
    const toml::node* node = table.get(key);
    const std::string name = prefix + std::string(key);
    if (node == nullptr) return matcher;  // told as missing
    const toml::table* members = node->as_table();
    if (members == nullptr || members->empty()) {
        fault(at(*node), name,
              "must say what it matches; write for example { workflow = \"uplink\", severity_at_least = 4 }");
        return matcher;
    }
    for (auto&& [member, value] : *members)
        if (member.str() != "workflow" && member.str() != "rule" && member.str() != "severity_at_least")
            fault(at(member), fmt::format("{}.{}", name, member.str()),
                  unknown("key", member.str(), {"workflow", "rule", "severity_at_least"}));
    matcher.workflow = text_of(*members, "workflow", name + ".workflow");
    matcher.rule = text_of(*members, "rule", name + ".rule");
    matcher.severity_at_least = count_of(*members, "severity_at_least", name + ".", {1, 5, ""}, 0);
    return matcher;
}

void ConfigLoader::read_inhibit(const toml::node& node) {
    for (const toml::table* table : tables("[[alerts.inhibit]]", node)) {
        const std::string prefix = fmt::format("alerts.inhibit[{}].", config_.alerts.inhibit.size());
        Config::Alerts::Inhibit rule;
        rule.source = read_matcher(*table, "source", prefix);
        rule.target = read_matcher(*table, "target", prefix);
        if (const toml::node* equal = table->get("equal")) {
            text_list(*equal, prefix + "equal", rule.equal);
            for (const std::string& label : rule.equal)
                if (label != "tenant" && label != "workflow" && label != "group")
                    fault(at(*equal), prefix + "equal",
                          fmt::format("\"{}\" is not known; write tenant, workflow or group", label));
        }
        config_.alerts.inhibit.push_back(std::move(rule));
        if (config_.alerts.inhibit.size() == kInhibitMax + 1)
            fault(at(*table), "alerts.inhibit", fmt::format("have at most {}", kInhibitMax));
    }
}

void ConfigLoader::read_escalation(const toml::node& node) {
    for (const toml::table* table : tables("[[alerts.escalation]]", node)) {
        const std::string prefix = fmt::format("alerts.escalation[{}].", config_.alerts.escalation.size());
        Config::Alerts::Escalation ladder;
        ladder.name = text_of(*table, "name", prefix + "name");
        if (table->contains("ack_timeout"))
            ladder.ack_timeout_ns = duration_of(*table, "ack_timeout", prefix);
        if (const toml::node* steps = table->get("steps")) read_steps(*steps, prefix + "steps", ladder);
        config_.alerts.escalation.push_back(std::move(ladder));
        if (config_.alerts.escalation.size() == kLaddersMax + 1)
            fault(at(*table), "alerts.escalation", fmt::format("have at most {}", kLaddersMax));
    }
}

void ConfigLoader::read_steps(const toml::node& node, const std::string& name,
                              Config::Alerts::Escalation& ladder) {
    const toml::array* list = node.as_array();
    if (list == nullptr || list->empty() || list->size() > kStepsMax) {
        fault(at(node), name,
              fmt::format(
                  "must be a list of 1 to {} steps; write [{{ after = \"15m\", targets = [\"phone\"] }}]",
                  kStepsMax));
        return;
    }
    int64_t before = 0;
    for (size_t i = 0; i < list->size(); ++i) {
        const std::string prefix = fmt::format("{}[{}].", name, i);
        const toml::table* table = (*list)[i].as_table();
        if (table == nullptr) {
            fault(at((*list)[i]), name,
                  "holds what is no step; write { after = \"15m\", targets = [\"phone\"] }");
            continue;
        }
        for (auto&& [key, value] : *table)
            if (key.str() != "after" && key.str() != "targets")
                fault(at(key), prefix + std::string(key.str()),
                      unknown("key", key.str(), {"after", "targets"}));
        Config::Alerts::Step step;
        step.after_ns = duration_of(*table, "after", prefix);
        if (step.after_ns != 0 && step.after_ns <= before)
            fault(at(*table), prefix + "after", "is not after the step before it; write the steps in order");
        before = std::max(before, step.after_ns);
        const toml::node* targets = table->get("targets");
        origins_[prefix + "targets"] = targets == nullptr ? at(*table) : at(*targets);
        if (targets != nullptr) text_list(*targets, prefix + "targets", step.targets);
        if (step.targets.empty())
            fault(at(*table), prefix + "targets", "is missing or empty; name at least one [[notify.target]]");
        ladder.steps.push_back(std::move(step));
    }
}

void ConfigLoader::check_alerts() {
    const auto& targets = config_.notify.targets;
    std::set<std::string> ladders, reached;
    for (size_t i = 0; i < config_.alerts.escalation.size(); ++i) {
        const Config::Alerts::Escalation& ladder = config_.alerts.escalation[i];
        const std::string prefix = fmt::format("alerts.escalation[{}].", i);
        const std::string name = prefix + "name";
        if (!ladder.name.empty() && !is_name(ladder.name))
            fault(origin_of(name), name, fmt::format("\"{}\" is not a name; {}", ladder.name, kNameRule));
        else if (!ladder.name.empty() && !ladders.insert(ladder.name).second)
            fault(origin_of(name), name,
                  fmt::format("\"{}\" is there already; give it another name", ladder.name));
        for (size_t s = 0; s < ladder.steps.size(); ++s) {
            const std::string key = fmt::format("{}steps[{}].targets", prefix, s);
            for (const std::string& target : ladder.steps[s].targets) {
                reached.insert(target);
                if (std::none_of(targets.begin(), targets.end(),
                                 [&](const auto& t) { return t.name == target; }))
                    fault(origin_of(key), key,
                          fmt::format("no target \"{}\" is configured; add a [[notify.target]] of this name",
                                      target));
            }
        }
    }
    for (size_t i = 0; i < targets.size(); ++i)
        if (targets[i].escalation_only && !reached.contains(targets[i].name))
            warn(origin_of(fmt::format("notify.target[{}].name", i)),
                 fmt::format("notify.target[{}].escalation_only", i),
                 "no ladder names this target, so that it is told nothing; add a step of "
                 "[[alerts.escalation]]");
}

}  // namespace penstock
