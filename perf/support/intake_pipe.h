// The pipeline from raw events to SLA effects without sockets, log and threads: for what measures the stages
// themselves. The same stages in the same order as the appliance's.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "perf/support/bench.h"
#include "perf/support/event_feed.h"
#include "pipeline/batch_ring.h"
#include "stages/dedup/dedup.h"
#include "stages/enrich/enrich.h"
#include "stages/parse/parse.h"
#include "stages/parse/vocabulary.h"
#include "stages/route/route.h"
#include "stages/sequence/sequencer.h"
#include "stages/sla/engine.h"

namespace penstock::bench {

/// The five regions under their names, and `na`.
const Vocabulary& vocabulary();
/// A fixed secret, so that the same events give the same hashes in every run.
std::vector<uint8_t> fixed_secret();

/// The bytes of a feed's part as raw events; they borrow.
void raw_events(const EventFeed& feed, uint64_t first_item, uint64_t events, RawEvent::Format format,
                std::vector<RawEvent>& out);

/// One thread.
class IntakePipe {
  public:
    explicit IntakePipe(EnrichStage::Options enrich = {});

    /// Runs raw events through parse, route, dedup, enrich and sequence, and hands each record to `visit` and
    /// then, unless it is switched off, to the engine. At most limits::kBatchEventsMax of one source.
    void take(const std::vector<RawEvent>& raw);
    /// Publishes what is still open.
    void finish();

    std::function<void(const EventBatch&)> visit;
    bool engine_on = true;

    const Engine& engine() const { return engine_; }
    uint64_t events() const { return events_; }
    uint64_t refused() const { return refused_; }
    uint64_t duplicates() const { return duplicates_; }
    /// Of all identities, in the order of the log.
    uint64_t digest() const { return digest_; }

  private:
    void drain();

    ManualClock clock_{1'767'225'600'000'000'000};
    BatchRing ring_{limits::kSlabCount};
    ParseStage parse_;
    DedupStage dedup_;
    EnrichStage enrich_;
    RouteStage route_;
    Sequencer sequencer_;
    Engine engine_;
    WorkBatch work_;
    uint64_t events_ = 0, refused_ = 0, duplicates_ = 0, digest_ = 0;
};

}  // namespace penstock::bench
