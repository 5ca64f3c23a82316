#include "perf/support/intake_pipe.h"

namespace penstock::bench {

const Vocabulary& vocabulary() {
    static const Vocabulary one = [] {
        Vocabulary v;
        for (uint16_t r = 0; r < kRegions; ++r) v.regions[std::string(kRegionNames[r])] = r;
        v.regions["na"] = 0;
        return v;
    }();
    return one;
}

std::vector<uint8_t> fixed_secret() {
    std::vector<uint8_t> secret(192);
    Random random(2026);
    for (uint8_t& byte : secret) byte = static_cast<uint8_t>(random.next());
    return secret;
}

void raw_events(const EventFeed& feed, uint64_t first_item, uint64_t events, RawEvent::Format format,
                std::vector<RawEvent>& out) {
    out.clear();
    for (uint64_t i = first_item; i < first_item + events; ++i)
        out.push_back({feed.block() + feed.item(i).begin, feed.item(i).length, format, 0, 0, i + 1});
}

IntakePipe::IntakePipe(EnrichStage::Options enrich)
    : parse_(fixed_secret(), vocabulary(), EnrichStage::growth_bytes_max(enrich)),
      dedup_(DedupStage::Options{}),
      enrich_(std::move(enrich)),
      route_(RouteStage::Options{}),
      sequencer_(ring_, clock_, 1, 0, [] { return false; }),
      engine_(Engine::Options{}) {
    engine_.define(parse_workflow(kWorkflow));
}

void IntakePipe::take(const std::vector<RawEvent>& raw) {
    work_.clear();
    work_.raw = raw;
    work_.sources.emplace_back();
    work_.verdicts.assign(raw.size(), Verdict::kPending);
    while (work_.raw_done < work_.raw.size()) {
        if (sequencer_.events().full()) finish();
        work_.batch = &sequencer_.events();
        parse_.do_work(work_);
        dedup_.do_work(work_, clock_.wall_ns());
        enrich_.do_work(work_);
        route_.do_work(work_);
        if (work_.raw_done < work_.raw.size()) finish();
    }
    refused_ += work_.refused.size();
    for (const Verdict v : work_.verdicts) duplicates_ += v == Verdict::kDuplicate;
    finish();
}

void IntakePipe::finish() {
    clock_.pass(1'000'000);
    sequencer_.publish();
    drain();
}

void IntakePipe::drain() {
    for (uint64_t at = ring_.consumed(kStateConsumer); at < ring_.published(); ++at) {
        const EventBatch& batch = *ring_.at(at);
        for (size_t i = 0; i < batch.count(); ++i)
            digest_ = IdentityHasher::mix(
                digest_, IdentityHasher::mix(batch.identities[i].id.lo, batch.identities[i].content));
        events_ += batch.count();
        if (visit) visit(batch);
        if (engine_on) engine_.apply(batch.view());
        ring_.advance(kLogConsumer, at + 1);
        ring_.advance(kStateConsumer, at + 1);
    }
}

}  // namespace penstock::bench
