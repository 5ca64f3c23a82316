#include "admin/appliance_control.h"

#include <utility>

namespace penstock {
namespace {
constexpr size_t kAtOnce = 64;  // of one round; between them ingest has its turn
}

void ControlDesk::do_work() {
    ControlRequest request;
    for (size_t i = 0; i < kAtOnce && p_.log.has_room() && mailbox_.try_pop(request); ++i) {
        p_.sequencer.publish_control(request.kind, request.name, request.text);
        waiting_.push_back({p_.sequencer.next_seq() - 1, p_.ring.published(), request.kind,
                            std::move(request.name), std::move(request.answer)});
    }
    while (!waiting_.empty()) {
        Waiting& w = waiting_.front();
        if (w.position > p_.ring.consumed(kLogConsumer) || w.position > p_.ring.consumed(kStateConsumer))
            return;
        applied_(w.kind, w.name);
        if (w.tell) w.tell(w.seq);
        waiting_.pop_front();
    }
}

}  // namespace penstock
