#include "admin/appliance_intake.h"

#include <gtest/gtest.h>

#include "tests/support/hot_log.h"
#include "tests/support/manual_clock.h"
#include "tests/support/parse_rig.h"

namespace penstock::test {
namespace {

/// The chain over a real log, without threads.
class IntakeChainTest : public testing::Test {
  protected:
    std::vector<Verdict> process(const std::vector<std::string>& lines) {
        rig_.begin();
        rig_.work->sources.emplace_back();
        for (const std::string& line : lines) rig_.add(line);
        chain_.process(*rig_.work);
        return rig_.work->verdicts;
    }

    ParseRig rig_;
    HotLog hot_;
    ManualClock clock_;
    Telemetry telemetry_;
    BatchRing ring_{8};
    DeadLetterMailbox mailbox_{8};
    Vocabulary vocabulary_ = ParseRig::make_vocabulary(true);
    ParseStage parse_{ParseRig::secret(), vocabulary_, 0};
    RouteStage route_{RouteStage::Options{}};
    DedupStage dedup_{DedupStage::Options{}};
    EnrichStage enrich_{EnrichStage::Options{}};
    Sequencer sequencer_{ring_, clock_, 1, 0, [] { return true; }};
    LogStage log_stage_{{0, 1 << 30, 0}, ring_, hot_.log(), telemetry_, clock_, [] {}, [] { return Seq{1}; }};
    IntakeChain chain_{
        {parse_, dedup_, enrich_, route_, sequencer_, log_stage_, ring_, mailbox_, telemetry_, clock_}};
};

TEST_F(IntakeChainTest, ARefusedEventsRepetitionInTheSameBatchIsRefusedToo) {
    const std::string lost = event_line(R"("region":"mars")"), good = event_line(R"("region":"eu")");
    EXPECT_EQ(process({lost, lost, good, good, lost}),
              (std::vector<Verdict>{Verdict::kRefused, Verdict::kRefused, Verdict::kAccepted,
                                    Verdict::kDuplicate, Verdict::kRefused}));
    EXPECT_EQ(process({good, lost}), (std::vector<Verdict>{Verdict::kDuplicate, Verdict::kRefused}));
}

}  // namespace
}  // namespace penstock::test
