#include "stages/alert/inhibition.h"

#include <fmt/format.h>

#include <optional>

namespace penstock {
namespace {

/// What must be equal; nothing: of the labels none is there, so that the rule does not apply.
std::optional<std::string> key_of(const InhibitRule& rule, const Alert& alert) {
    if (rule.equal_group && !rule.equal_tenant && !rule.equal_workflow && alert.group.empty())
        return std::nullopt;
    std::string key;
    if (rule.equal_tenant) key += fmt::format("{}", alert.tenant);
    if (rule.equal_workflow) key += fmt::format("\n{}:{}", alert.workflow.size(), alert.workflow);
    if (rule.equal_group) key += fmt::format("\n{}", alert.group);
    return key;
}

}  // namespace

void Inhibition::set_rules(std::vector<InhibitRule> rules) {
    rules_.clear();
    places_.clear();
    for (InhibitRule& rule : rules) rules_.push_back({std::move(rule), {}});
}

bool Inhibition::update(const Alert& alert) {
    if (rules_.empty()) return false;
    bool was_source = false;
    if (const auto at = places_.find(alert.id); at != places_.end()) {
        for (const Place& place : at->second) {
            auto& sources = rules_[place.rule].sources;
            const auto same = sources.find(place.key);
            same->second.erase({place.both, alert.id});
            if (same->second.empty()) sources.erase(same);
        }
        places_.erase(at);
        was_source = true;
    }
    if (alert.state != AlertState::kFiring && alert.state != AlertState::kAcked) return was_source;
    std::vector<Place> places;
    for (size_t i = 0; i < rules_.size(); ++i) {
        const InhibitRule& rule = rules_[i].rule;
        auto key = key_of(rule, alert);
        if (!key || !rule.source.matches(alert)) continue;
        const bool both = rule.target.matches(alert);
        rules_[i].sources[*key].insert({both, alert.id});
        places.push_back({i, std::move(*key), both});
    }
    if (places.empty()) return was_source;
    places_.emplace(alert.id, std::move(places));
    return false;
}

uint64_t Inhibition::inhibitor_of(const Alert& alert) const {
    for (const Rule& r : rules_) {
        if (!r.rule.target.matches(alert)) continue;
        const auto key = key_of(r.rule, alert);
        const auto same = key ? r.sources.find(*key) : r.sources.end();
        if (same == r.sources.end()) continue;
        const auto [both, id] = *same->second.begin();  // those that match one side only come first
        if (!both || !r.rule.source.matches(alert)) return id;
    }
    return 0;
}

}  // namespace penstock
