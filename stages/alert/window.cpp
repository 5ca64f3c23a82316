#include "stages/alert/window.h"

#include <algorithm>

namespace penstock {

Window::Window(MaintenanceWindow window) : facts(std::move(window)) {
    if (facts.schedule.empty()) return;
    schedule_.emplace(parse_schedule(facts.schedule));
    if (facts.last_date.empty()) return;
    last_date_ = parse_date(facts.last_date);
    if (!last_date_) throw CivilError("/last_date: is not a date; write it as 2026-12-25");
}

std::optional<Occurrence> Window::occurrence_at(StampNs at_ns) const {
    auto found = schedule_->next(at_ns - facts.duration_ns);
    if (found && last_date_ && found->date > *last_date_) return std::nullopt;
    return found;
}

bool Window::holds_at(StampNs at_ns) const {
    if (at_ns < facts.begin_ns || at_ns >= facts.end_ns) return false;
    if (!schedule_) return true;
    const auto found = occurrence_at(at_ns);
    return found && found->due_ns <= at_ns;
}

void Window::seek(StampNs now_ns) {
    facts.span_begin_ns = facts.span_end_ns = 0;
    if (now_ns >= facts.end_ns) return;
    if (!schedule_) {
        facts.span_begin_ns = facts.begin_ns;
        facts.span_end_ns = facts.end_ns;
        return;
    }
    const auto found = occurrence_at(std::max(now_ns, facts.begin_ns));
    if (!found || found->due_ns >= facts.end_ns) return;
    facts.span_begin_ns = std::max(found->due_ns, facts.begin_ns);
    facts.span_end_ns = std::min(found->due_ns + facts.duration_ns, facts.end_ns);
}

}  // namespace penstock
