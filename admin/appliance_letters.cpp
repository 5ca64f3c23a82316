#include "admin/appliance_letters.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "pipeline/command_key.h"

namespace penstock {

namespace {

namespace json = boost::json;

constexpr size_t kAtOnce = 64;  // of one round; between them ingest has its turn
constexpr int64_t kExpiryEveryNs = 10'000'000'000;

std::string_view name_of(RetryOutcome outcome) { return kRetryOutcomeNames[static_cast<size_t>(outcome)]; }

std::string record_text(const LetterRequest& request, const LetterAnswer& answer) {
    json::object o{{"by", request.by}};
    if (!request.note.empty()) o["note"] = request.note;
    if (!request.drop) {
        o["edited"] = request.edited;
        o["outcome"] = name_of(answer.outcome);
        if (request.event != 0) o["event"] = request.event;
    }
    return request.once ? with_command_key(*request.once, json::serialize(o)) : json::serialize(o);
}

}  // namespace

void DeadLetterDesk::do_work() {
    LetterRequest request;
    for (size_t i = 0; i < kAtOnce && mailbox_.try_pop(request); ++i) take(request);
    answer_durable();
    expire();
}

void DeadLetterDesk::take(LetterRequest& request) {
    using Result = LetterAnswer::Result;
    LetterAnswer answer;
    const auto refuse = [&](Result why) {
        answer.result = why;
        request.answer(std::move(answer));
    };
    // What this thread has just published may not be in the book yet; it is in `waiting_` then.
    for (const Waiting& w : waiting_)
        if (w.letter == request.letter) return refuse(Result::kBusy);
    if (book_.fate(request.letter).status() != LetterStatus::kOpen) return refuse(Result::kNotOpen);
    if (!chain_.admits()) return refuse(Result::kNoRoom);
    p_.sequencer.publish();  // a retry has its own records
    if (request.drop) {
        p_.sequencer.publish_control(ControlKind::kDeadLetterDropped, std::to_string(request.letter),
                                     record_text(request, answer));
        answer.seq = p_.sequencer.next_seq() - 1;
    } else {
        // A region may have refused one event twice, around a crash: two letters, and one event to be stored.
        const auto same_event = [&](const Waiting& w) {
            return request.event != 0 && w.event == request.event;
        };
        if (request.event != 0 &&
            (book_.stored_again(request.event) || std::any_of(waiting_.begin(), waiting_.end(), same_event)))
            return refuse(Result::kStoredBefore);
        retry(request, answer);
        answer.seq = p_.sequencer.publish_retry(request.letter, record_text(request, answer));
        if (answer.outcome != RetryOutcome::kDuplicate) answer.result_seq = answer.seq + 1;
    }
    waiting_.push_back({request.letter, request.drop ? 0 : request.event, p_.ring.published(),
                        std::move(answer), std::move(request.answer)});
}

void DeadLetterDesk::retry(LetterRequest& request, LetterAnswer& answer) {
    request.bytes.resize(request.bytes.size() + kPadding);  // for the JSON parser
    run(request);
    if (request.event != 0 && !work_.refused.empty() && work_.refused[0].cause == Refusal::kConflict)
        work_.verdicts[0] = Verdict::kDuplicate;
    if (request.event != 0 && work_.verdicts[0] == Verdict::kDuplicate) {
        // It is known because it was stored, before its region refused it.
        p_.dedup.retract({request.identity, 0});
        run(request);
    }
    switch (work_.verdicts[0]) {
        case Verdict::kAccepted:
            answer.outcome = RetryOutcome::kStored;
            return;
        case Verdict::kDuplicate:
            answer.outcome = RetryOutcome::kDuplicate;
            return;
        case Verdict::kRefused:
        case Verdict::kPending:
            break;
    }
    answer.outcome = RetryOutcome::kRefused;
    answer.cause = work_.refused[0].cause;
    answer.detail = work_.refused[0].detail;
    DeadLetter letter = std::move(request.original);
    letter.cause = answer.cause;
    letter.detail = answer.detail;
    letter.set_raw({request.bytes.data(), request.bytes.size() - kPadding});
    p_.telemetry.dead_letters[static_cast<size_t>(letter.cause)].add();
    p_.sequencer.add_dead_letter(letter);
}

/// The one event through the stages, into the sequencer's open batch, which is empty before.
void DeadLetterDesk::run(LetterRequest& request) {
    work_.clear();
    work_.sources.push_back({request.original.peer, {}, {}, 0, request.original.tenant});
    work_.raw.push_back({request.bytes.data(), static_cast<uint32_t>(request.bytes.size() - kPadding),
                         request.flatbuffer ? RawEvent::Format::kFlatBuffer : RawEvent::Format::kJson,
                         request.original.tenant, 0, request.original.position});
    work_.verdicts.push_back(Verdict::kPending);
    work_.read_ns = p_.clock.monotonic_ns();
    work_.batch = &p_.sequencer.events();
    chain_.run_stages(work_);
}

void DeadLetterDesk::answer_durable() {
    std::erase_if(waiting_, [&](Waiting& w) {
        if (w.position > p_.ring.consumed(kLogConsumer) || w.position > p_.ring.consumed(kStateConsumer))
            return false;
        w.tell(std::move(w.answer));
        return true;
    });
}

void DeadLetterDesk::expire() {
    const Seq first = p_.telemetry.first_seq.load(std::memory_order_relaxed);
    if (book_.expires_at() > first) return;
    const int64_t now = p_.clock.monotonic_ns();
    if (now < next_expiry_ns_ || !p_.log.has_room()) return;
    next_expiry_ns_ = now + kExpiryEveryNs;
    p_.sequencer.publish_control(ControlKind::kDeadLettersExpired, std::to_string(first), "");
}

}  // namespace penstock
