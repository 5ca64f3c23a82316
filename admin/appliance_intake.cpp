#include "admin/appliance_intake.h"

#include <algorithm>
#include <utility>

namespace penstock {

namespace {
/// With this many batches before the state thread it pays to gather: it is busy, and fuller batches cost it
/// and the log less.
constexpr uint64_t kGatherFromDepth = 4;
/// But not for long: acks and deadlines wait with it.
constexpr int64_t kGatherNs = 2'000'000;
constexpr int64_t kTickAgainNs = 10'000'000, kOldStampNs = 5'000'000;
}  // namespace

void IntakeChain::process(WorkBatch& work) {
    while (work.raw_done < work.raw.size()) {
        EventBatch& batch = p_.sequencer.events();
        if (batch.full() || batch.header.producer_count > EventBatch::kProducersMax / 2) {
            p_.sequencer.publish();
            continue;
        }
        const size_t raw_from = work.raw_done, refused_from = work.refused.size();
        work.batch = &batch;
        run_stages(work);
        keep_refused(work, refused_from, raw_from);
        // The batch is full when parse took fewer than there are.
        if (work.raw_done < work.raw.size()) p_.sequencer.publish();
    }
}

void IntakeChain::run_stages(WorkBatch& work) {
    EventBatch& batch = *work.batch;
    const int64_t began_ns = p_.clock.monotonic_ns();
    if (batch.read_ns == 0) batch.read_ns = work.read_ns;
    int64_t last_ns = began_ns;
    const auto timed = [&](Stage stage, size_t in) {
        const int64_t now = p_.clock.monotonic_ns();
        StageTelemetry& t = p_.telemetry.stage(stage);
        t.events_in.add(in);
        t.events_out.add(batch.count() - work.begin);
        if (in > 0) t.batch_ns.record(static_cast<uint64_t>(now - last_ns), in);
        last_ns = now;
    };
    timed(Stage::kParse, p_.parse.do_work(work));
    timed(Stage::kDedup, p_.dedup.do_work(work, now_ns()));
    timed(Stage::kEnrich, p_.enrich.do_work(work));
    timed(Stage::kRoute, p_.route.do_work(work));
}

void IntakeChain::keep_refused(const WorkBatch& work, size_t refused_from, size_t raw_from) {
    for (size_t i = refused_from; i < work.refused.size(); ++i) {
        const RefusedEvent& refused = work.refused[i];
        const RawEvent& raw = work.raw[refused.raw];
        const RawSource& source = work.sources[raw.source];
        DeadLetter letter;
        letter.cause = refused.cause;
        letter.detail = refused.detail;
        letter.peer = source.peer;
        letter.producer = source.producer_name;
        letter.position = raw.position;
        letter.tenant = raw.tenant;
        letter.set_raw({raw.data, raw.length});
        p_.sequencer.add_dead_letter(letter);
    }
    // The last raw event of each source tells how far its producer has come.
    for (size_t i = raw_from; i < work.raw_done; ++i) {
        const uint32_t source = work.raw[i].source;
        if (i + 1 < work.raw_done && work.raw[i + 1].source == source) continue;
        const RawSource& s = work.sources[source];
        if (!s.producer_name.empty()) p_.sequencer.add_position({s.producer, s.epoch, work.raw[i].position});
    }
}

std::optional<uint64_t> IntakeChain::publish() {
    if (!p_.sequencer.empty()) {
        const EventBatch& open = p_.sequencer.events();
        if (p_.ring.depth(kStateConsumer) >= kGatherFromDepth && !open.full() &&
            p_.clock.monotonic_ns() - open.read_ns < kGatherNs)
            return std::nullopt;
        p_.sequencer.publish();
    }
    return p_.ring.published();
}

bool IntakeChain::needs_tick(StampNs due_ns) {
    const StampNs wall_ns = p_.clock.wall_ns();
    if (due_ns >= wall_ns || !p_.log.has_room()) return false;
    // What the state thread has before it tells it the time, if it is not old by now.
    if (p_.ring.depth(kStateConsumer) > 0 && wall_ns - p_.sequencer.last_stamp_ns() < kOldStampNs)
        return false;
    const int64_t now = p_.clock.monotonic_ns();
    if (due_ns == ticked_due_ns_ && now - ticked_at_ns_ <= kTickAgainNs) return false;
    ticked_due_ns_ = due_ns;
    ticked_at_ns_ = now;
    return true;
}

void IntakeChain::housekeep(StampNs due_ns) {
    DeadLetterRequest request;
    while (p_.mailbox.try_pop(request)) {
        DeadLetter letter;
        letter.cause = request.cause;
        letter.detail = std::move(request.detail);
        letter.peer = std::move(request.peer);
        letter.position = request.position;
        letter.tenant = request.tenant;
        letter.set_raw(request.raw);
        p_.telemetry.dead_letters[static_cast<size_t>(letter.cause)].add();
        p_.sequencer.add_dead_letter(letter);
        p_.sequencer.publish();
        tickets_.push_back({p_.ring.published(), std::move(request.done)});
    }
    std::erase_if(tickets_, [&](const Ticket& t) {
        if (t.position > committed_position()) return false;
        t.done->reached();
        return true;
    });

    // Events move time themselves; only when the state thread has nothing to do does a timer need a record.
    if (needs_tick(due_ns)) p_.sequencer.publish_control(ControlKind::kTick, "", "");
    p_.dedup.housekeep(now_ns());
    p_.telemetry.dedup_keys.set(static_cast<int64_t>(p_.dedup.keys()));
    p_.telemetry.dedup_bytes.set(static_cast<int64_t>(p_.dedup.bytes()));
}

}  // namespace penstock
