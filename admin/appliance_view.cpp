#include "admin/appliance_view.h"

#include "schemas/event_fields.h"

namespace penstock {

namespace {
std::string key_text(const EventLog& log, Seq anchor) {
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
}  // namespace

void SlaViewPublisher::publish(const SlaStage::View& view, const EventLog& log, Telemetry& telemetry) {
    if (&view == last_) return;
    last_ = &view;
    auto out = std::make_shared<SlaSnapshot>(view.snapshot);
    std::map<Seq, std::string> keys;
    for (size_t i = 0; i < view.recent.size(); ++i) {
        const SlaEffect& effect = view.recent[i];
        const auto known = keys_.find(effect.anchor_seq);
        std::string& key = keys[effect.anchor_seq] =
            known != keys_.end() ? known->second : key_text(log, effect.anchor_seq);
        out->recent.push_back(
            {view.workflow_of[i], view.from_of[i], view.to_of[i], key, effect.deadline_ns, effect.at_ns});
    }
    keys_ = std::move(keys);
    telemetry.set_sla(std::move(out));
}

}  // namespace penstock
