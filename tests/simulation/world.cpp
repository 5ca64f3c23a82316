#include "tests/simulation/world.h"

#include <spdlog/spdlog.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "schemas/limits.h"
#include "storage/regional_store.h"
#include "tests/simulation/entropy.h"

namespace penstock::simulation {

namespace {
constexpr int64_t kMillisecond = 1'000'000, kSecond = 1'000'000'000;
constexpr uint64_t kSettleRounds = 30'000;
constexpr const char* kWorkflows[] = {
    R"({"name":"visit","key":"subject","edges":[{"from":"begin","to":"work","within_ms":2000},{"from":"begin","to":"end","within_ms":9000}]})",
    R"({"name":"visit","key":"subject","edges":[{"from":"begin","to":"end","within_ms":500}]})",
};
}  // namespace

void RunFigures::add(const RunFigures& o) {
    runs += o.runs, steps += o.steps, starts += o.starts, power_cuts += o.power_cuts, kills += o.kills;
    graceful_stops += o.graceful_stops, own_stops += o.own_stops, disk_operations += o.disk_operations;
    disk_faults += o.disk_faults, connections_lost += o.connections_lost, clock_steps += o.clock_steps;
    take_overs += o.take_overs, events += o.events, dead_letters += o.dead_letters, rows += o.rows;
    met += o.met, late += o.late, missed += o.missed;
    digest ^= o.digest;
}

template <typename... Args>
void World::note(fmt::format_string<Args...> format, Args&&... args) {
    const std::string text = fmt::format(format, std::forward<Args>(args)...);
    figures_.digest = XXH3_64bits_withSeed(text.data(), text.size(), figures_.digest + step_);
    if (options_.trace)
        std::fprintf(stderr, "%6llu %12.6f %s\n", static_cast<unsigned long long>(step_),
                     static_cast<double>(clock_.monotonic_ns()) / 1e9, text.c_str());
}

World::World(const RunOptions& options)
    : options_(options), random_(options.seed), disk_(Disk::instance()), network_(Network::instance()) {
    seed_entropy(options.seed);
    std::error_code ignored;
    std::filesystem::remove_all(options.folder, ignored);
    std::filesystem::create_directories(options.folder);
    disk_.begin(options.folder, options.seed);
    network_.begin(options.seed);
    RegionServers::instance().begin(options.seed);
    make_plan();
    checker_ = std::make_unique<Checker>(Checker::Options{appliance_options_.window_ns,
                                                          appliance_options_.instance_retention_ns,
                                                          plan_.start_over > 0, appliance_options_.regions});
    for (const std::string& name : appliance_options_.regions) {
        RegionDatabase& db = RegionServers::instance().add(name);
        db.on_commit = [this, name](const std::vector<RegionRow>& rows) {
            checker_->stored_in_region(name, rows);
        };
        regions_.push_back(&db);
    }
    make_producers();
}

World::~World() {
    disk_.crash_now();  // nothing more is written
    appliance_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(options_.folder, ignored);
}

void World::make_plan() {
    const auto sometimes = [&](unsigned percent, uint64_t most) {
        return random_.chance(percent) ? static_cast<unsigned>(1 + random_.below(most)) : 0;
    };
    plan_.crash = sometimes(80, 40);
    plan_.disk_fault = sometimes(40, 30);
    plan_.lose = sometimes(60, 100);
    plan_.region = sometimes(70, 150);
    plan_.clock_step = sometimes(25, 20);
    plan_.stop = sometimes(30, 15);
    plan_.take_over = sometimes(20, 20);
    plan_.full = sometimes(15, 15);
    plan_.power_percent = static_cast<unsigned>(random_.below(5)) * 25;
    plan_.start_over = sometimes(25, 10);
    plan_.workflow_changes = random_.chance(15);
    plan_.rot = random_.chance(5);
    plan_.step_ns = random_.chance(50) ? 300'000 : 5 * kMillisecond;

    auto& o = appliance_options_;
    o.data_dir = options_.folder;
    o.regions = {"us", "eu"};
    o.workflow = kWorkflows[0];
    o.window_ns = (random_.chance(50) ? 600 : 20) * kSecond;
    o.instance_retention_ns = random_.chance(25) ? 3 * kSecond : 0;
    o.recovery_hold_ns = random_.chance(50) ? 0 : random_.between(1, 10) * kSecond;
    o.checkpoint_ns = (random_.chance(50) ? 200 : 3'000) * kMillisecond;
    o.log_retention_ns = 3'600 * kSecond;
    o.log_retention_bytes = 1ULL << 30;
    if (random_.chance(20)) {  // the quota is near: intake pauses until the log is trimmed
        o.window_ns = 20 * kSecond;
        o.log_retention_bytes = 300'000;
        o.log_bytes_max = limits::kSlabCount * limits::kSlabBytes + (64ULL << 20) + 600'000;
        o.log_bytes_max = (o.log_bytes_max + 4095) / 4096 * 4096;
    }
    o.flush.linger_ns = (random_.chance(50) ? 2 : 200) * kMillisecond;
    o.flush.rows_max = random_.chance(30) ? 1 + random_.below(20) : 50'000;
    o.flush.ledger_interval_ns = kSecond;
    o.flush.backoff_min_ns = 10 * kMillisecond;
    o.flush.backoff_max_ns = 2 * kSecond;
}

void World::make_producers() {
    const size_t count = 1 + random_.below(6);
    for (size_t i = 0; i < count; ++i) {
        Producer::Options o;
        o.number = i;
        o.named = random_.chance(50);
        o.binary = random_.chance(40);
        o.events = 20 + random_.below(random_.chance(20) ? 600 : 150);
        o.faulty = random_.chance(50) ? static_cast<unsigned>(random_.below(10)) : 0;
        o.poison = random_.chance(30) ? 20 : 0;
        o.repeats = random_.chance(60) ? static_cast<unsigned>(random_.below(30)) : 0;
        o.epochs = plan_.start_over;
        o.regions = appliance_options_.regions;
        o.keys = 1 + random_.below(30);
        producers_.push_back(std::make_unique<Producer>(o, network_, *checker_, clock_, random_.next()));
    }
}

// --- the appliance's life ---------------------------------------------------------------------------------

void World::start() {
    ++figures_.starts;
    faults_known_ = disk_.faults_seen();
    if (plan_.workflow_changes && !settling_ && random_.chance(30)) {
        appliance_options_.workflow = kWorkflows[random_.below(2)];
        workflow_changed_ = true;
    }
    fenced_ = false;
    try {
        appliance_ = std::make_unique<SimulatedAppliance>(
            appliance_options_, clock_, [this] { checker_->committed(appliance_->log()); },
            [this] { other_threads(); }, [this](const SlaEffect& e) { checker_->live_effect(e); });
        checker_->reopened(appliance_->log());
        log_id_ = appliance_->log().identity().log_id;
        note("start: the log ends at {}", appliance_->log().bounds().next_seq);
        appliance_->publish_start();
    } catch (const std::exception& e) {
        end_process(e.what());
    }
}

/// The process has ended, or is to: by a fault of the disk, or killed. The disk may lose power with it.
void World::end_process(const std::string& why) {
    const bool excused = disk_.crashed() || disk_.faults_seen() != faults_known_ || full_;
    if (!excused) checker_->fail(fmt::format("the appliance ends without a cause: {}", why));
    if (!disk_.crashed()) ++figures_.own_stops;
    disk_.crash_now();
    checker_->forget_live_effects(checker_->next_seq());
    appliance_.reset();
    const bool power_cut = random_.chance(plan_.power_percent);
    ++(power_cut ? figures_.power_cuts : figures_.kills);
    note("end ({}): {}", power_cut ? "power cut" : "process", why);
    disk_.recover(power_cut);
    if (full_) disk_.fill_up(true);
    // Starts are short: to meet their troubles takes more than chance.
    if (!settling_ && plan_.crash > 0 && random_.chance(15)) disk_.arm(Disk::Fault::kCrash, random_.below(4));
    restart_soon();
}

template <typename Work>
void World::guarded(const char* what, Work work) {
    if (!appliance_) return;
    try {
        work();
    } catch (const std::exception& e) {
        return end_process(fmt::format("{}: {}", what, e.what()));
    }
    if (disk_.crashed()) end_process(what);
}

/// While intake waits for the ring.
void World::other_threads() {
    appliance_->log_step();
    appliance_->state_step();
}

void World::graceful_stop() {
    bool stopped = false;
    guarded("stop", [&] {
        appliance_->stop([this](int64_t ns) { pass_time(ns); });
        stopped = true;
    });
    if (!stopped || !appliance_) return;
    ++figures_.graceful_stops;
    note("stopped in order");
    appliance_.reset();
    disk_.crash_now();
    disk_.recover(random_.chance(50));
    restart_soon();
}

// --- what happens -----------------------------------------------------------------------------------------

void World::pass_time(int64_t ns) { clock_.advance(ns); }

void World::step() {
    ++step_;
    pass_time(random_.between(0, 2 * plan_.step_ns));
    if (random_.below(1000) < 3) pass_time(random_.between(0, 3) * kSecond);
    trouble();
    for (RegionDatabase* db : regions_)
        if (db->has_zombie() && random_.chance(5)) db->end_zombie();
    if (!appliance_) {
        if (away_steps_ > 0)
            --away_steps_;
        else
            start();
    }
    switch (random_.below(10)) {
        case 0:
        case 1:
        case 2:
            return guarded("intake", [&] { appliance_->intake_step(); });
        case 3:  // without work seldom: for their housekeeping
            if (appliance_ && (appliance_->log_depth() > 0 || random_.chance(10)))
                guarded("log", [&] { appliance_->log_step(); });
            return;
        case 4:
            if (appliance_ && (appliance_->state_depth() > 0 || random_.chance(40)))
                guarded("state", [&] { appliance_->state_step(); });
            return;
        case 5: {
            const size_t region = random_.below(regions_.size());
            if (appliance_ && appliance_->flush_due(region))
                guarded("flush", [&] { appliance_->flush_step(region); });
            return;
        }
        case 6:
            return guarded("checkpoint", [&] { appliance_->checkpoint_step(); });
        default:
            producers_[random_.below(producers_.size())]->step();
    }
}

void World::trouble() {
    const auto due = [&](unsigned chance) { return random_.below(10'000) < chance; };
    if (due(plan_.crash) && appliance_) {
        if (random_.chance(30)) {
            disk_.crash_now();
            end_process("killed");
        } else {
            disk_.arm(Disk::Fault::kCrash, random_.below(12));
        }
    }
    if (due(plan_.disk_fault))
        disk_.arm(random_.chance(40)   ? Disk::Fault::kSyncError
                  : random_.chance(50) ? Disk::Fault::kWriteError
                                       : Disk::Fault::kNoSpace,
                  random_.below(6));
    if (due(plan_.full) || (full_ && random_.chance(2))) {
        full_ = !full_;
        disk_.fill_up(full_);
        note("the disk is {}", full_ ? "full" : "no longer full");
    }
    if (due(plan_.lose)) {
        network_.lose_any();
        ++figures_.connections_lost;
    }
    if (due(plan_.region)) trouble_regions();
    if (due(plan_.clock_step)) {
        const int64_t by =
            random_.between(-1, 1) * random_.between(0, random_.chance(30) ? 3'600 : 5) * kSecond;
        clock_.set_wall(clock_.wall_ns() + by);
        if (by >= appliance_options_.window_ns) checker_->clock_leapt(clock_.wall_ns());
        ++figures_.clock_steps;
        note("the clock is stepped by {} s", by / kSecond);
    }
    if (due(plan_.stop) && appliance_) graceful_stop();
    if (due(plan_.take_over) && appliance_) take_over();
}

void World::trouble_regions() {
    RegionDatabase& db = *regions_[random_.below(regions_.size())];
    db.faults = {};
    switch (random_.below(7)) {
        case 0:
            db.faults.down = true;
            break;
        case 1:
            db.faults.commit_lost = 300;
            break;
        case 2:
            db.faults = {false, 30, 10, 10, 10, 50};
            break;
        case 3:
            db.faults.full = 300;
            break;
        case 4:
            db.faults.lost = 100;
            break;
        default:
            break;  // healthy again
    }
    note("region {}: {}", db.name(), db.faults.down ? "down" : "other faults");
}

/// Another appliance with a copy of this log (a copied data folder) takes a region over and flushes a part.
void World::take_over() {
    const size_t region = random_.below(regions_.size());
    const EventLog& log = appliance_->log();
    fenced_ = true;  // perhaps: also where the answer is lost
    try {
        PostgresRegionalStore rival({regions_[region]->name(), regions_[region]->name(), kSecond});
        const LedgerPosition ledger = rival.open({log.identity().log_id, log.bounds().first_seq, 0});
        rival.maintain(clock_.wall_ns(), 0);
        ++figures_.take_overs;
        note("region {}: another appliance takes over at {}", regions_[region]->name(), ledger.seq);
        RowBatch batch;
        batch.clear(ledger.log, ledger.seq, 1 << 20);
        const Seq end = checker_->next_seq();
        size_t records = random_.below(6);
        LogReader(log).scan(ledger.seq, [&](const RecordView& record) {
            if (records-- == 0 || record.end_seq() > end) return false;
            if (record.header->kind == RecordKind::kEvents)
                for (size_t i = 0; i < record.count(); ++i)
                    if (record.heads[i].region == region && record.first_seq() + i >= ledger.seq)
                        batch.add(record, i, "default");
            batch.reach(record.end_seq(), record.last_stamp());
            return true;
        });
        if (batch.to() > batch.from())
            rival.store(batch, {0, batch.rows(), batch.from(), batch.to(), batch.to_stamp_ns()});
    } catch (const RegionalError&) {  // the region has its own troubles
    }
}

// --- the end ----------------------------------------------------------------------------------------------

bool World::settled() {
    if (!appliance_) return false;
    const bool answered =
        std::all_of(producers_.begin(), producers_.end(), [](const auto& p) { return p->done(); });
    return answered && appliance_->log_depth() == 0 && appliance_->state_depth() == 0 &&
           appliance_->flushed();
}

/// Faults end; everything that is owed must come to its end by itself.
void World::settle() {
    settling_ = true;
    note("faults end");
    disk_.disarm();
    disk_.fill_up(full_ = false);
    for (RegionDatabase* db : regions_) {
        db->faults = {};
        db->end_zombie();
    }
    if (fenced_ && appliance_) {  // as its operator is told to do
        disk_.crash_now();
        end_process("restarted after another appliance had taken over");
    }
    // The clock is right again. Were it behind the stamps, the log would have to keep for the dedup window,
    // and near its quota wait for, what seems to have come in the future.
    clock_.set_wall(std::max(clock_.wall_ns(), checker_->last_stamp_ns()));
    for (auto& producer : producers_) producer->settle();
    bool late = false;  // all deadlines have passed
    for (uint64_t round = 0; round < kSettleRounds && checker_->failure().empty(); ++round) {
        ++step_;
        if (!appliance_) start();
        for (auto& producer : producers_) producer->step();
        guarded("intake", [&] { appliance_->intake_step(); });
        guarded("state", [&] { appliance_->state_step(); });
        guarded("log", [&] { appliance_->log_step(); });
        guarded("checkpoint", [&] { appliance_->checkpoint_step(); });
        for (size_t r = 0; r < regions_.size(); ++r)
            if (appliance_ && appliance_->flush_due(r)) guarded("flush", [&] { appliance_->flush_step(r); });
        pass_time(random_.between(1, 60) * kMillisecond);
        if (!settled()) continue;
        if (!late) {
            const StampNs latest =
                std::max({clock_.wall_ns(), checker_->last_stamp_ns(), checker_->last_deadline_ns()});
            clock_.set_wall(latest + 60 * kSecond);
            late = true;
            continue;
        }
        appliance_->state_step();
        SlaSnapshot sla;
        appliance_->engine().snapshot(sla);
        if (sla.timers > 0) continue;
        if (appliance_->checkpointed()) return check_end();
        appliance_->request_checkpoint();
    }
    std::string owed;
    for (const auto& producer : producers_)
        if (!producer->done()) owed += producer->describe() + "; ";
    for (const RegionDatabase* db : regions_) {
        const auto ledger = db->ledgers().find(log_id_);
        owed += fmt::format("region {} at {}; ", db->name(),
                            ledger == db->ledgers().end() ? 0 : ledger->second.seq);
    }
    if (appliance_)
        for (const auto& region : appliance_->telemetry().regions)
            if (!region->error().empty())
                owed += fmt::format("region {} says: {}; ", region->name, region->error());
    checker_->fail(fmt::format("without faults it does not come to rest: {}the log ends at {}", owed,
                               checker_->next_seq()));
}

/// A bit of an event that a region still has to take changes on the disk. The damage must be found before
/// the region gets it; the history ends here.
void World::rot() {
    settling_ = true;
    for (RegionDatabase* db : regions_) {
        db->faults = {};
        db->end_zombie();
    }
    if (appliance_) {
        disk_.crash_now();
        end_process("killed, and a bit changes");
    }
    disk_.fill_up(full_ = false);
    const std::string data = checker_->data_not_in_region();
    if (data.empty() || disk_.rot(data) == 0) return;
    note("{} has changed on the disk", data.substr(0, 40));
    try {
        appliance_ = std::make_unique<SimulatedAppliance>(
            appliance_options_, clock_, [] {}, [this] { other_threads(); }, [](const SlaEffect&) {});
        for (int round = 0; round < 200; ++round) {
            for (size_t region = 0; region < regions_.size(); ++region) appliance_->flush_step(region);
            pass_time(100 * kMillisecond);
        }
        appliance_.reset();
    } catch (const LogError& e) {
        note("it does not start: {}", e.what());
    }
    try {  // as `penstock log verify` does
        const EventLog log({appliance_options_.data_dir + "/log", appliance_options_.log_bytes_max, true});
        LogReader(log).scan(1, [](const RecordView&) { return true; }, true);
        checker_->fail("a bit of the log has changed, and no checksum tells");
    } catch (const LogError& e) {
        note("found: {}", e.what());
    }
}

void World::check_end() {
    checker_->final_regions(regions_, log_id_);
    checker_->final_state(appliance_->state());
    checker_->final_deadlines(appliance_->engine(), workflow_changed_);
}

std::string World::run() {
    start();
    while (step_ < options_.steps && checker_->failure().empty()) step();
    if (checker_->failure().empty()) plan_.rot ? rot() : settle();
    const Checker::Figures& f = checker_->figures;
    figures_.runs = 1;
    figures_.steps = step_;
    figures_.disk_operations = disk_.operations();
    figures_.disk_faults = disk_.faults_seen();
    figures_.events = f.events, figures_.dead_letters = f.dead_letters, figures_.rows = f.rows;
    figures_.met = f.met, figures_.late = f.late, figures_.missed = f.missed;
    note("end of the run: {} events, {} rows", f.events, f.rows);
    if (checker_->failure().empty()) return {};
    return fmt::format("step {}: {}", step_, checker_->failure());
}

}  // namespace penstock::simulation
