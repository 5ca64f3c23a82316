#include "admin/appliance_view.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "schemas/event_fields.h"

namespace penstock {

std::string event_key_text(const EventLog& log, Seq anchor) {
    std::string text;
    LogReader(log).scan(anchor, [&](const RecordView& record) {
        if (record.header->kind == RecordKind::kEvents && anchor >= record.first_seq() &&
            anchor < record.end_seq()) {
            const fb::Event* event = event_of(record.bytes(anchor - record.first_seq()));
            text = event->subject() ? view_of(event->subject()) : view_of(event->id());
        }
        return false;
    });
    return text.empty() ? "(no longer in the log)" : text;
}

/// Once when deadlines begin to wait, once when they are judged again.
void SlaViewPublisher::tell_hold(const SlaSnapshot& sla) {
    if (sla.gaps.empty()) return;
    const ObserverGap& gap = sla.gaps.back();
    const double down_s = static_cast<double>(gap.to_ns - gap.from_ns) / 1e9;
    if (sla.hold_until_ns != 0 && told_waiting_ns_ != gap.to_ns) {
        told_waiting_ns_ = gap.to_ns;
        spdlog::warn(
            "nothing was seen for {:.1f} s; deadlines wait until {} have caught up, at most {:.0f} s: {}",
            down_s, gap.awaited, static_cast<double>(sla.hold_until_ns - gap.to_ns) / 1e9,
            fmt::join(sla.awaited, ", "));
    }
    if (gap.judged_ns != 0 && gap.awaited > 0 && told_waiting_ns_ == gap.to_ns && !told_judged_) {
        told_judged_ = true;
        spdlog::info("deadlines are judged again: {} of {} producers caught up within {:.1f} s",
                     gap.caught_up, gap.awaited, static_cast<double>(gap.judged_ns - gap.to_ns) / 1e9);
    }
}

void SlaViewPublisher::publish(const SlaStage::View& view, const EventLog& log, Telemetry& telemetry) {
    if (&view == last_) return;
    last_ = &view;
    tell_hold(view.snapshot);
    auto out = std::make_shared<SlaSnapshot>(view.snapshot);
    std::map<Seq, std::string> keys;
    for (size_t i = 0; i < view.recent.size(); ++i) {
        const SlaEffect& effect = view.recent[i];
        const auto known = keys_.find(effect.anchor_seq);
        std::string& key = keys[effect.anchor_seq] =
            known != keys_.end() ? known->second : event_key_text(log, effect.anchor_seq);
        out->recent.push_back(
            {view.workflow_of[i], view.from_of[i], view.to_of[i], key, effect.deadline_ns, effect.at_ns});
    }
    keys_ = std::move(keys);
    telemetry.set_sla(std::move(out));
}

}  // namespace penstock
