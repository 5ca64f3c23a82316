// The book as other threads see it.
#include <algorithm>

#include "stages/alert/alert_book.h"

namespace penstock {

std::optional<Alert> AlertBook::alert(uint64_t id) const {
    std::lock_guard lock(mutex_);
    const Entry* e = entries_.find(id);
    return e ? std::optional<Alert>(e->alert) : std::nullopt;
}

std::vector<Alert> AlertBook::alerts(const AlertFilter& filter, std::optional<AlertCursor> after,
                                     size_t limit) const {
    // The newest episode first; of two that began together the one with the higher id.
    const auto before = [](const Alert& a, StampNs began_ns, uint64_t id) {
        return a.began_ns != began_ns ? a.began_ns > began_ns : a.id > id;
    };
    std::lock_guard lock(mutex_);
    std::vector<const Alert*> found;
    for (const auto& [id, e] : entries_.rows()) {
        const Alert& a = e.alert;
        const bool fits = (!filter.state || *filter.state == a.state) &&
                          a.severity >= filter.severity_at_least &&
                          (!filter.tenant || *filter.tenant == a.tenant) &&
                          (filter.workflow.empty() || filter.workflow == a.workflow) &&
                          (!filter.group || *filter.group == a.group);
        const bool passed = after && (before(a, after->began_ns, after->id) ||
                                      (a.began_ns == after->began_ns && a.id == after->id));
        if (fits && !passed) found.push_back(&a);
    }
    std::sort(found.begin(), found.end(),
              [&](const Alert* a, const Alert* b) { return before(*a, b->began_ns, b->id); });
    if (found.size() > limit) found.resize(limit);
    std::vector<Alert> out;
    for (const Alert* a : found) {
        Alert& copy = out.emplace_back();
        copy = *a;
        copy.instances.clear();
        copy.history.clear();
        copy.notices.clear();
    }
    return out;
}

std::vector<Silence> AlertBook::silences() const {
    std::lock_guard lock(mutex_);
    std::vector<Silence> out;
    for (auto at = silences_.rows().rbegin(); at != silences_.rows().rend(); ++at) out.push_back(at->second);
    return out;
}

std::vector<MaintenanceWindow> AlertBook::maintenance() const {
    std::lock_guard lock(mutex_);
    std::vector<MaintenanceWindow> out;
    for (auto at = windows_.rows().rbegin(); at != windows_.rows().rend(); ++at)
        out.push_back(at->second.facts);
    return out;
}

AlertSuppressions AlertBook::suppressions(const Alert& alert, StampNs now_ns) const {
    std::lock_guard lock(mutex_);
    const Silence* silence = silencing(alert, now_ns);
    const MaintenanceWindow* window = maintaining(alert, now_ns);
    return {silence ? silence->id : 0, window ? window->id : 0, inhibition_.inhibitor_of(alert)};
}

bool AlertBook::not_expected(uint16_t tenant, std::string_view workflow, std::string_view rule,
                             std::string_view group, StampNs at_ns) const {
    // Without the lock: this thread alone changes what is read.
    return std::any_of(not_expecting_.begin(), not_expecting_.end(), [&](uint64_t id) {
        const Window& w = windows_.at(id);
        return w.facts.covers(tenant, workflow, rule, group) && w.holds_at(at_ns);
    });
}

bool AlertBook::refused(Seq seq) const {
    std::lock_guard lock(mutex_);
    return std::find(refused_.begin(), refused_.end(), seq) != refused_.end();
}

std::array<uint64_t, kAlertStateNames.size()> AlertBook::counts() const {
    std::lock_guard lock(mutex_);
    std::array<uint64_t, kAlertStateNames.size()> counts{};
    for (const auto& [id, e] : entries_.rows()) ++counts[static_cast<size_t>(e.alert.state)];
    return counts;
}

std::vector<PendingNotice> AlertBook::pending(uint64_t from_order, Seq committed, size_t max) const {
    std::lock_guard lock(mutex_);
    std::vector<PendingNotice> out;
    for (auto at = outbox_.rows().lower_bound(from_order); at != outbox_.rows().end() && out.size() < max;
         ++at) {
        if (at->second.cause_seq >= committed) break;  // those behind it have later causes
        out.push_back(at->second);
    }
    return out;
}

size_t AlertBook::pending_count() const {
    std::lock_guard lock(mutex_);
    return outbox_.size();
}

}  // namespace penstock
