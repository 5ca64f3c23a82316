#include "admin/appliance_events.h"

#include <utility>

namespace penstock {
namespace {
constexpr size_t kAtOnce = 16;  // of one round; between them ingest has its turn
constexpr size_t kPadding = 64;
}  // namespace

void EventDesk::do_work() {
    EventsRequest request;
    for (size_t i = 0; i < kAtOnce && mailbox_.try_pop(request); ++i) take(request);
    while (!waiting_.empty()) {
        Waiting& w = waiting_.front();
        if (w.position > p_.ring.consumed(kLogConsumer) || w.position > p_.ring.consumed(kStateConsumer))
            return;
        w.tell(std::move(w.answer));
        waiting_.pop_front();
    }
}

void EventDesk::take(EventsRequest& request) {
    EventsAnswer answer;
    answer.overloaded = !chain_.admits();
    if (!answer.overloaded) answer.rate_limited_ns = ingest_.charge(request.tenant, request.events.size());
    answer.disabled = answer.rate_limited_ns == Ingest::kTenantDisabled;
    if (answer.overloaded || answer.rate_limited_ns != 0) return request.answer(std::move(answer));
    work_.clear();
    work_.sources.push_back({request.peer, {}, {}, 0, request.tenant});
    work_.read_ns = p_.clock.monotonic_ns();
    for (size_t i = 0; i < request.events.size(); ++i) {
        std::string& bytes = request.events[i];
        const size_t length = bytes.size();
        bytes.resize(length + kPadding);  // for the JSON parser
        work_.raw.push_back({reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<uint32_t>(length),
                             RawEvent::Format::kJson, request.tenant, 0, i + 1});
        work_.verdicts.push_back(Verdict::kPending);
    }
    p_.telemetry.events_received.add(work_.raw.size());
    chain_.process(work_);
    answer.events.resize(work_.raw.size());
    size_t duplicates = 0;
    for (size_t i = 0; i < work_.raw.size(); ++i)
        if (work_.verdicts[i] == Verdict::kDuplicate) {
            answer.events[i].result = EventAnswer::Result::kDuplicate;
            ++duplicates;
        }
    for (RefusedEvent& refused : work_.refused) {
        answer.events[refused.raw] = {EventAnswer::Result::kRefused, refused.cause,
                                      std::move(refused.detail)};
        p_.telemetry.dead_letters[static_cast<size_t>(refused.cause)].add();
    }
    p_.telemetry.events_duplicate.add(duplicates);
    p_.telemetry.events_stored.add(work_.raw.size() - duplicates - work_.refused.size());
    if (!p_.sequencer.empty()) p_.sequencer.publish();
    waiting_.push_back({p_.ring.published(), std::move(answer), std::move(request.answer)});
}

}  // namespace penstock
