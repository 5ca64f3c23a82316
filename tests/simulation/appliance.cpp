#include "tests/simulation/appliance.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace penstock::simulation {

namespace {
constexpr size_t kRingSlots = 8;
constexpr int64_t kStopPatienceNs = 5'000'000'000;
}  // namespace

SimulatedAppliance::SimulatedAppliance(const Options& options, const Clock& clock,
                                       std::function<void()> committed, std::function<void()> others,
                                       std::function<void(const SlaEffect&)> told)
    : options_(options),
      clock_(clock),
      others_(std::move(others)),
      log_({options.data_dir + "/log", options.log_bytes_max}),
      state_({options.data_dir + "/state", log_.identity().log_id, 1ULL << 28}),
      ring_(kRingSlots),
      engine_({options.instance_retention_ns}),
      dedup_({options.window_ns, 64 << 20}),
      enrich_(EnrichStage::Options{}) {
    log_.register_names(options.regions, {"default"});
    for (const std::string& region : options.regions)
        vocabulary_.regions[region] = *log_.names().region(region);
    vocabulary_.refuse_unknown_regions = true;
    for (const std::string& region : options.regions) {
        telemetry_.regions.push_back(std::make_unique<RegionTelemetry>());
        RegionTelemetry& t = *telemetry_.regions.back();
        t.name = region;
        t.configured = true;
        auto store = std::make_unique<PostgresRegionalStore>(
            PostgresRegionalStore::Options{region, region, 30'000'000'000});
        flushers_.push_back(std::make_unique<RegionFlusher>(*log_.names().region(region), options.flush,
                                                            std::move(store), log_, telemetry_, t, mailbox_,
                                                            clock_));
        flush_at_ns_.push_back(0);
    }

    engine_.subject_key = subject_hasher(log_.identity().hash_secret);
    connect(engine_, alerts_);
    recover_state(log_, state_, {&engine_, &positions_, &alerts_}, false);
    active_documents_ = documents_of_configuration(engine_);
    recover_dedup(log_, nullptr, dedup_, options.window_ns, clock_);
    const EventLog::Bounds bounds = log_.bounds();
    telemetry_.first_seq = bounds.first_seq;
    telemetry_.committed_seq = bounds.next_seq;
    telemetry_.applied_seq = bounds.next_seq;
    state_applied_seq_ = state_.applied_seq();

    log_stage_ = std::make_unique<LogStage>(
        LogStage::Options{options.log_retention_ns, options.log_retention_bytes, options.window_ns}, ring_,
        log_, telemetry_, clock_,
        [this, committed = std::move(committed)] {
            committed();
            std::fill(flush_at_ns_.begin(), flush_at_ns_.end(), 0);
        },
        [this] { return may_trim_below(); });
    sla_stage_ = std::make_unique<SlaStage>(SlaStage::Options{options.checkpoint_ns, 0}, ring_, engine_,
                                            std::vector<StateMachine*>{&positions_, &alerts_}, telemetry_,
                                            clock_, [] {});
    engine_.on_effect = [inner = engine_.on_effect, told = std::move(told)](const SlaEffect& e) {
        inner(e);
        told(e);
    };
    // While the ring is full the intake thread waits here: then the others run, so that it need not sleep.
    sequencer_ = std::make_unique<Sequencer>(ring_, clock_, bounds.next_seq, bounds.last_stamp_ns, [this] {
        others_();
        return false;
    });
    const std::vector<uint8_t>& secret = log_.identity().hash_secret;
    parse_ = std::make_unique<ParseStage>(secret, vocabulary_, 0);
    RouteStage::Options route;
    route.default_region = *log_.names().region(options.regions.front());
    route.tenant_regions.assign(log_.names().tenants.size(), kRegionNone);
    route_ = std::make_unique<RouteStage>(route);
    chain_ = std::make_unique<IntakeChain>(IntakeChain::Parts{
        *parse_, dedup_, enrich_, *route_, *sequencer_, *log_stage_, ring_, mailbox_, telemetry_, clock_});
    Ingest::Options ingest;
    ingest.idle_timeout_ns = 900'000'000'000;
    ingest.stall_timeout_ns = 60'000'000'000;
    ingest.credits_bytes = 4 << 20;
    ingest.log_id = log_.identity().log_id;
    ingest.hash_secret = secret;
    ingest.tenants.push_back({"default", *log_.names().tenant("default"), ""});
    ingest_ = std::make_unique<Ingest>(std::move(ingest), *chain_, telemetry_, clock_);
    positions_.for_each([this](const ProducerPosition& p) { ingest_->restore_producer(p); });
}

SimulatedAppliance::~SimulatedAppliance() = default;

void SimulatedAppliance::publish_start() {
    sequencer_->publish_control(
        ControlKind::kBoot, "simulation",
        fmt::format(
            R"({{"last_stamp_ns":{},"recovery_hold_ns":{},"instance_retention_ns":{},"targets":[{{"name":"t"}}]}})",
            log_.bounds().records > 0 ? sequencer_->last_stamp_ns() : 0, options_.recovery_hold_ns,
            options_.instance_retention_ns));
    const std::string name =
        options_.workflow.empty() ? std::string() : parse_workflow(options_.workflow).name;
    for (const auto& [active, document] : active_documents_)
        if (active != name) sequencer_->publish_control(ControlKind::kWorkflowRetired, active, "");
    if (name.empty()) return;
    const auto active = active_documents_.find(name);
    if (active == active_documents_.end() || active->second != options_.workflow)
        sequencer_->publish_control(ControlKind::kWorkflow, name, options_.workflow);
}

void SimulatedAppliance::intake_step() {
    const StampNs due = sla_stage_->due_ns();
    ingest_->do_work(0);
    chain_->housekeep(due);
}

void SimulatedAppliance::flush_step(size_t region) {
    const int64_t wait_ns = flushers_[region]->step();
    flush_at_ns_[region] = clock_.monotonic_ns() + wait_ns;
}

void SimulatedAppliance::checkpoint_step() {
    const auto checkpoint = sla_stage_->take_checkpoint();
    if (!checkpoint) return;
    state_.write(*checkpoint);
    state_applied_seq_ = checkpoint->applied_seq;
}

bool SimulatedAppliance::flushed() const {
    return std::all_of(telemetry_.regions.begin(), telemetry_.regions.end(),
                       [this](const auto& r) { return r->flushed_seq >= telemetry_.committed_seq; });
}

Seq SimulatedAppliance::may_trim_below() const {
    Seq below = state_applied_seq_;
    for (const auto& region : telemetry_.regions) below = std::min(below, region->flushed_seq.load());
    return below;
}

void SimulatedAppliance::stop(const std::function<void(int64_t)>& pass_time) {
    ingest_->stop_reading();
    const int64_t until = clock_.monotonic_ns() + kStopPatienceNs;
    while (!(ingest_->drained() && !chain_->gathering()) && clock_.monotonic_ns() < until) {
        intake_step();
        state_step();
        log_step();
        pass_time(1'000'000);
    }
    while (log_depth() > 0 || state_depth() > 0) log_step(), state_step();
    while (!checkpointed() && clock_.monotonic_ns() < until + kStopPatienceNs) {
        request_checkpoint();
        state_step();
        checkpoint_step();
        pass_time(5'000'000);
    }
    for (auto& flusher : flushers_) flusher->request_stop(kStopPatienceNs);
    for (auto& flusher : flushers_)
        while (!flusher->finished()) pass_time(std::max<int64_t>(flusher->step(), 1'000'000));
}

}  // namespace penstock::simulation
