#include "admin/simulation_differences.h"

#include <algorithm>
#include <tuple>

namespace penstock {

void SimulationDifferences::found(const Finding& f, bool candidate) {
    auto rule = rules_.find(f.rule);
    if (rule == rules_.end()) {
        rule = rules_.emplace(std::string(f.rule), static_cast<uint32_t>(rule_names_.size())).first;
        rule_names_.emplace_back(f.rule);
    }
    const Id id{rule->second, f.tenant, f.key, f.deadline_ns};
    auto& other = only_[candidate ? 0 : 1];
    if (const auto same = other.find(id); same != other.end()) {
        if (--same->second.times == 0) other.erase(same);
        return;
    }
    auto& own = only_[candidate ? 1 : 0];
    // Once full it stays so: what was left out here must not be missed when the other run finds it.
    full_ = full_ || own.size() >= troubles_max_;
    if (full_) return;
    const auto [at, is_new] = own.try_emplace(
        id, Trouble{0, f.severity, f.anchor_seq, f.at_ns, std::string(f.key_text), std::string(f.group)});
    ++at->second.times;
}

/// By rule, tenant and key, so that those of one instance lie together; then by deadline.
std::vector<SimulationDifferences::Found> SimulationDifferences::sorted(bool candidate) const {
    std::vector<Found> all;
    for (const auto& [id, trouble] : only_[candidate ? 1 : 0])
        all.insert(all.end(), trouble.times, {id, &trouble, 0});
    std::sort(all.begin(), all.end(), [](const Found& a, const Found& b) {
        const auto order = [](const Id& i) {
            return std::tuple(i.rule, i.tenant, i.key.hi, i.key.lo, i.deadline_ns);
        };
        return order(a.id) < order(b.id);
    });
    return all;
}

SimulatedDifference SimulationDifferences::told(std::vector<Found> all,
                                                const std::function<std::string(Seq)>& key_text_of) const {
    SimulatedDifference out;
    out.total = all.size();
    const auto end = all.begin() + static_cast<ptrdiff_t>(std::min(all.size(), SimulationService::kShownMax));
    std::partial_sort(all.begin(), end, all.end(), [](const Found& a, const Found& b) {
        const auto order = [](const Found& f) {
            return std::tuple(f.trouble->at_ns, f.id.deadline_ns, f.id.rule, f.id.tenant, f.id.key.hi,
                              f.id.key.lo);
        };
        return order(a) < order(b);
    });
    for (auto f = all.begin(); f != end; ++f) {
        const std::string key =
            f->trouble->key.empty() ? key_text_of(f->trouble->anchor_seq) : f->trouble->key;
        out.shown.push_back({rule_names_[f->id.rule], key, f->trouble->group, f->id.tenant,
                             f->trouble->severity, f->id.deadline_ns, f->baseline_deadline_ns,
                             f->trouble->at_ns});
    }
    return out;
}

void SimulationDifferences::tell(SimulationView& out,
                                 const std::function<std::string(Seq)>& key_text_of) const {
    const auto candidate = sorted(true), baseline = sorted(false);
    std::vector<Found> added, removed, moved;
    const auto instance = [](const Found& f) {
        return std::tuple(f.id.rule, f.id.tenant, f.id.key.hi, f.id.key.lo);
    };
    auto c = candidate.begin();
    auto b = baseline.begin();
    while (c != candidate.end() || b != baseline.end()) {
        if (b == baseline.end() || (c != candidate.end() && instance(*c) < instance(*b))) {
            added.push_back(*c++);
        } else if (c == candidate.end() || instance(*b) < instance(*c)) {
            removed.push_back(*b++);
        } else {
            moved.push_back(*c++);
            moved.back().baseline_deadline_ns = b++->id.deadline_ns;
        }
    }
    out.added = told(std::move(added), key_text_of);
    out.removed = told(std::move(removed), key_text_of);
    out.moved = told(std::move(moved), key_text_of);
    out.differences_cut = full_;
}

}  // namespace penstock
