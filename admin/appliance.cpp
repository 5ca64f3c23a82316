#include "admin/appliance.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include <fstream>
#include <future>
#include <iterator>
#include <map>
#include <optional>
#include <thread>

#include "admin/appliance_access.h"
#include "admin/appliance_alerts.h"
#include "admin/appliance_assignments.h"
#include "admin/appliance_control.h"
#include "admin/appliance_events.h"
#include "admin/appliance_intake.h"
#include "admin/appliance_letters.h"
#include "admin/appliance_machines.h"
#include "admin/appliance_notify.h"
#include "admin/appliance_options.h"
#include "admin/appliance_recovery.h"
#include "admin/appliance_regions.h"
#include "admin/appliance_review.h"
#include "admin/appliance_simulation.h"
#include "admin/appliance_view.h"
#include "admin/appliance_workflows.h"
#include "admin/appliance_writer.h"
#include "admin/config_loader.h"
#include "admin/data_folder.h"
#include "admin/http/server.h"
#include "admin/logging.h"
#include "pipeline/thread_priority.h"
#include "stages/ingest/ingest.h"
#include "stages/sequence/producer_positions.h"
#include "stages/sla/sla_stage.h"
#include "storage/cold_index.h"
#include "storage/event_search.h"
#include "storage/flush.h"

namespace penstock {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kIdleWaitNs = 250'000'000;
constexpr int64_t kStopPatienceNs = 5 * kSecondNs;

/// True when the process shall end; else after a moment.
bool signal_came() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    const timespec pause{0, 100'000'000};
    return sigtimedwait(&signals, nullptr, &pause) > 0;
}

std::string document_faults(std::string_view document) {
    try {
        parse_workflow(document);
        return "";
    } catch (const WorkflowError& e) {
        return e.what();
    }
}

class Appliance {
  public:
    Appliance(const Config& config, const StartOptions& start)
        : config_(config),
          start_(start),
          folder_(config.data_dir, start.wait_s, signal_came),
          ingest_tls_(tls_identity(config.ingest.tls)),
          http_tls_(tls_identity(config.http.tls)),
          log_({folder_.sub("log"), config.log.bytes_max, false, config.log.compression == "lz4"}),
          host_keys_(read_or_make_seal_keys(folder_.sub("host.key"))),
          machines_(engine_options(config)),
          regions_({config_,
                    log_,
                    telemetry_,
                    mailbox_,
                    clock_,
                    {&machines_.review, &audit_trail_},
                    machines_.regions,
                    *host_keys_.front()}),
          state_({.path = folder_.sub("state"), .log_id = log_.identity().log_id, .keys = log_.keys()}),
          simulations_(log_, engine_options(config), [this] { return regions_.dsns(); }),
          cold_indexer_([this] { return regions_.dsns(); }),
          vocabulary_(vocabulary_of(config)),
          identity_runs_({folder_.sub("dedup"), window_ns()}, log_),
          dedup_({window_ns(), config.dedup.memory_bytes}),
          enrich_(enrich_options(config)) {
        log_.register_names({}, tenant_names(config));
        machines_.on_region = [this](const Region& region) { learn_key(region); };
        telemetry_.log_id = log_.identity().log_id;
        telemetry_.version = PENSTOCK_VERSION;
        telemetry_.started_ns = clock_.wall_ns();
        machines_.engine.subject_key = subject_hasher(log_.identity().hash_secret);
        read_workflows();
        admin_key_hash_ = local_admin_key_hash(folder_.sub("admin.key"));
        event_search_ = std::make_unique<EventSearch>(log_, telemetry_);
        http_ = std::make_unique<HttpServer>(
            http_options(),
            HttpServer::Parts{telemetry_, log_, clock_, machines_.letters, letters_, control_requests_,
                              event_requests_, machines_.alerts, machines_.review, audit_trail_,
                              machines_.answers, workflow_access(), event_search_.get()});
        http_->start();  // before recovery: readiness must be seen
    }

    int run() {
        recover();
        start_threads();
        telemetry_.readiness = Readiness::kReady;
        spdlog::info("ready: events on {} ({}), console on http{}://{}", telemetry_.ingest_address,
                     telemetry_.ingest_backend, http_tls_ ? "s" : "",
                     fmt::format("{}:{}", config_.http.listen.substr(0, config_.http.listen.rfind(':')),
                                 http_->port()));
        const bool in_order = wait_for_signal();
        stop(in_order);
        return in_order ? 0 : 1;
    }

  private:
    int64_t window_ns() const { return static_cast<int64_t>(config_.dedup.window_s) * kSecondNs; }

    HttpServer::Options http_options() {
        HttpServer::Options options{.listen = config_.http.listen,
                                    .tls = http_tls_.get(),
                                    .hsts_s = config_.http.hsts_s,
                                    .access = access_setup(),
                                    .tenants = tenant_access(),
                                    .regions = region_access()};
        for (const auto& [key, value, origin] : start_.settings)
            options.settings.push_back({key, value, origin});
        return options;
    }

    RegionAccess region_access() {
        RegionAccess access;
        access.book = &machines_.regions;
        access.review = &machines_.review;
        access.of_configuration = regions_.of_configuration();
        access.default_region = config_.routing.default_region;
        access.seal = [this](const std::string& dsn) { return regions_.sealed(dsn); };
        access.dsn_fault = [](const std::string& dsn) -> std::string {
            return examine_dsn(dsn).valid ? ""
                                          : "is no libpq connection string, such as host=db dbname=penstock";
        };
        access.key_fault = [](const std::string& file) -> std::string {
            try {
                read_seal_keys(file);
                return {};
            } catch (const SealError& e) {
                return e.what();
            }
        };
        access.give_id = [this](const std::string& name) -> std::optional<uint16_t> {
            if (log_.names().regions.full() && !log_.names().region(name)) return std::nullopt;
            log_.register_names({name}, {});
            return log_.names().region(name);
        };
        return access;
    }

    /// State thread. A file that cannot be read stops nothing: what is of the region says that it is missing.
    void learn_key(const Region& region) {
        if (region.of_configuration || region.state == RegionState::kRemoved) return;
        try {
            regions_.learn_key(region);
        } catch (const SealError& e) {
            spdlog::error("region {}: {}", region.name, e.what());
        }
    }

    /// Intake thread, once a record of it is applied.
    void follow_region(const std::string& name) {
        regions_.teach(vocabulary_);
        sequencer_->publish();  // what was gathered until now has its sequences
        const auto region = machines_.regions.region(name);
        const bool drains = region && region->state == RegionState::kDraining;
        regions_.mark_drained(name, drains ? sequencer_->next_seq() : 0);
    }

    bool configures_tenant(const std::string& name) const {
        const auto& all = config_.tenants;
        return name == "default" ||
               std::any_of(all.begin(), all.end(), [&](const auto& t) { return t.name == name; });
    }

    TenantAccess tenant_access() {
        TenantAccess access;
        access.book = &machines_.tenants;
        const auto add = [&](const std::string& name, const std::string& region, uint64_t rate,
                             uint64_t burst, bool key) {
            Tenant t;
            t.id = *log_.names().tenant(name);
            t.name = name;
            t.region = region;
            t.rate_limit = rate;
            t.burst = burst;
            t.keys.resize(key ? 1 : 0);
            access.of_configuration.push_back(std::move(t));
        };
        add("default", "", config_.ingest.rate_limit, config_.ingest.burst, false);
        for (const auto& t : config_.tenants) add(t.name, t.region, t.rate_limit, t.burst, true);
        access.give_id = [this](const std::string& name) -> std::optional<uint16_t> {
            if (log_.names().tenants.full() && !log_.names().tenant(name)) return std::nullopt;
            log_.register_names({}, {name});
            return log_.names().tenant(name);
        };
        return access;
    }

    /// Intake thread, or before it starts: ingest and route follow the book.
    void follow_tenant(const Tenant& t) {
        if (configures_tenant(t.name)) return;
        ingest_->set_tenant(ingest_tenant(t));
        const auto region = t.region.empty() ? std::nullopt : log_.names().region(t.region);
        route_->set_tenant_region(t.id, region.value_or(kRegionNone));
    }

    void recover() {
        telemetry_.readiness = Readiness::kRecovering;
        try {
            auto dedup = std::async(std::launch::async, [this] {
                recover_dedup(log_, &identity_runs_, dedup_, window_ns(), clock_);
            });
            recover_state(log_, state_, machines_.all(), start_.accept_partial_state);
            dedup.get();
        } catch (const LogError& e) {
            if (!e.damaged()) throw;
            throw LogError(
                fmt::format(
                    "the log in {} is damaged: {}; restore data_dir from a backup (penstock log verify "
                    "and log show tell what can be read), or set data_dir to a new folder",
                    folder_.sub("log"), e.what()),
                e.code);
        }
        regions_.begin();
        regions_.search_with(*event_search_);
        regions_.teach(vocabulary_);
        active_documents_ = documents_of_configuration(machines_.engine);
        const EventLog::Bounds bounds = log_.bounds();
        telemetry_.first_seq = bounds.first_seq;
        telemetry_.committed_seq = bounds.next_seq;
        telemetry_.applied_seq = bounds.next_seq;

        sla_stage_ = std::make_unique<SlaStage>(
            SlaStage::Options{static_cast<int64_t>(config_.state.checkpoint_s) * kSecondNs,
                              static_cast<int64_t>(config_.sla.spin_us) * 1'000},
            ring_, machines_.engine, machines_.books(), telemetry_, clock_, [this] { ingest_->wake(); });
        state_writer_ = std::make_unique<StateWriter>(
            StateWriter::Parts{*sla_stage_, state_, identity_runs_, log_, clock_},
            [this](const std::string& why) {
                if (!failed_.load()) fail(why);
            });
        log_stage_ = std::make_unique<LogStage>(
            LogStage::Options{static_cast<int64_t>(config_.log.retention_s) * kSecondNs,
                              config_.log.retention_bytes, window_ns()},
            ring_, log_, telemetry_, clock_, [this] { committed(); }, [this] { return may_trim_below(); });
        sequencer_ = std::make_unique<Sequencer>(ring_, clock_, bounds.next_seq, bounds.last_stamp_ns,
                                                 [this] { return failed_.load() || abandon_.load(); });
        const std::vector<uint8_t>& secret = log_.identity().hash_secret;
        parse_ = std::make_unique<ParseStage>(secret, vocabulary_,
                                              EnrichStage::growth_bytes_max(enrich_options(config_)));
        route_ = std::make_unique<RouteStage>(route_options(config_, log_.names()));
        const IntakeChain::Parts parts{*parse_,     dedup_, enrich_,  *route_,    *sequencer_,
                                       *log_stage_, ring_,  mailbox_, telemetry_, clock_};
        chain_ = std::make_unique<IntakeChain>(parts);
        sequencer_->tick_due = [this] { return chain_->needs_tick(sla_stage_->due_ns()); };
        desk_ = std::make_unique<DeadLetterDesk>(*chain_, parts, machines_.letters, letters_);
        control_desk_ = std::make_unique<ControlDesk>(
            parts, control_requests_, [this](ControlKind kind, const std::string& name) {
                if (kind == ControlKind::kRegionSet) follow_region(name);
                if (kind != ControlKind::kTenantSet) return;
                if (const auto tenant = machines_.tenants.tenant(name)) follow_tenant(*tenant);
            });
        alert_sender_ =
            std::make_unique<AlertSender>(make_notify_targets(config_, clock_), log_, machines_.alerts,
                                          control_requests_, telemetry_, clock_);
        ingest_ = std::make_unique<Ingest>(ingest_options(config_, log_, ingest_tls_.get()), *chain_,
                                           telemetry_, clock_);
        for (const Tenant& tenant : machines_.tenants.tenants()) follow_tenant(tenant);
        event_desk_ = std::make_unique<EventDesk>(*chain_, parts, *ingest_, event_requests_);
        machines_.positions.for_each([this](const ProducerPosition& p) { ingest_->restore_producer(p); });
        mailbox_.set_waker([this] { ingest_->wake(); });
        letters_.set_waker([this] { ingest_->wake(); });
        control_requests_.set_waker([this] { ingest_->wake(); });
        event_requests_.set_waker([this] { ingest_->wake(); });
        const std::string host = config_.ingest.listen.substr(0, config_.ingest.listen.rfind(':'));
        telemetry_.ingest_address = fmt::format("{}:{}", host, ingest_->port());
        telemetry_.ingest_backend = ingest_->backend();
    }

    void start_threads() {
        log_thread_ = std::thread([this] {
            guarded("log", [this] { log_stage_->do_work(kIdleWaitNs); }, log_stop_, kLogConsumer);
        });
        workflow_reader_.attach(sla_stage_.get());
        state_thread_ = std::thread([this] {
            guarded("sla", [this] { sla_stage_->do_work(kIdleWaitNs); }, state_stop_, kStateConsumer);
        });
        publish_start();
        intake_thread_ = std::thread([this] { intake(); });
        state_writer_->start();
        regions_.start();
        cold_indexer_.start();
        alert_sender_->start();
        assignment_mail_.start();
    }

    /// The configured workflows, whole and valid, or an error that names the file. Before threads start.
    void read_workflows() {
        for (const std::string& file : config_.sla.workflows) {
            std::ifstream in(file);
            const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
            if (!in)
                throw std::runtime_error(
                    fmt::format("cannot read the workflow {}; mend sla.workflows", file));
            Workflow w;
            try {
                w = parse_workflow(text);
            } catch (const WorkflowError& e) {
                throw std::runtime_error(fmt::format("{}: {}", file, e.what()));
            }
            const std::string name = w.name;
            if (!workflows_.emplace(name, std::move(w)).second)
                throw std::runtime_error(fmt::format(
                    "{}: a workflow named {} is configured twice; give one another name", file, name));
        }
    }

    http::AccessSetup access_setup() {
        http::AccessSetup setup = access_setup_of(config_.access);
        setup.book = &machines_.access;
        std::map<std::string, std::string> of_configuration;
        for (const auto& t : config_.tenants) of_configuration.emplace(t.key_hash, t.name);
        setup.tenant_of_key = [this, known = std::move(of_configuration)](const std::string& hash) {
            const auto at = known.find(hash);
            return at == known.end() ? machines_.tenants.tenant_of_key(hash) : at->second;
        };
        return setup;
    }

    WorkflowAccess workflow_access() {
        WorkflowAccess access{workflow_reader_, simulations_, document_faults};
        for (const auto& [name, workflow] : workflows_) access.of_files.insert(name);
        return access;
    }

    /// The boot record, and the workflows where they differ from what recovery found active.
    void publish_start() {
        char host[256] = "";
        gethostname(host, sizeof host - 1);
        const Engine::Options engine = engine_options(config_);
        sequencer_->publish_control(
            ControlKind::kBoot, host,
            fmt::format(
                R"({{"version":"{}","pid":{},"last_stamp_ns":{},"recovery_hold_ns":{},"instance_retention_ns":{},"source_idle_ns":{},"source_hold_ns":{},"source_lag_ns":{},"tenants":{},"targets":{},"alerts":{},"regions":{},"review":{},"access":{}}})",
                PENSTOCK_VERSION, getpid(), log_.bounds().records > 0 ? sequencer_->last_stamp_ns() : 0,
                static_cast<int64_t>(config_.sla.recovery_hold_s) * kSecondNs, engine.instance_retention_ns,
                engine.sources.idle_ns, engine.sources.hold_ns, engine.sources.lag_ns,
                tenant_names_json(log_.names().tenants), alert_targets_json(config_, log_.names()),
                alert_rules_json(config_.alerts), tenant_names_json(log_.names().regions),
                review_rules_json(config_, log_.names()), access_facts_json(config_.access)));
        for (const ControlRequest& r : access_records_of_start(config_, machines_.access, admin_key_hash_))
            sequencer_->publish_control(r.kind, r.name, r.text);
        for (const auto& [name, document] : active_documents_)
            if (workflows_.find(name) == workflows_.end())
                sequencer_->publish_control(ControlKind::kWorkflowRetired, name, "");
        for (const auto& [name, workflow] : workflows_) {
            const auto active = active_documents_.find(name);
            if (active == active_documents_.end() || active->second != workflow.document)
                sequencer_->publish_control(ControlKind::kWorkflow, name, workflow.document);
        }
    }

    // --- threads ---

    template <typename Work>
    void guarded(const char* name, Work work, std::atomic<bool>& stop, size_t consumer) {
        pthread_setname_np(pthread_self(), name);
        if (consumer == kStateConsumer) ask_for_short_slice();
        // It copies megabytes and then waits for the disk: longer turns, but not so long that a deadline
        // waits behind it.
        if (consumer == kLogConsumer) ask_for_short_slice(500'000);
        try {
            while (!stop.load(std::memory_order_acquire) || ring_.depth(consumer) > 0) {
                if (failed_.load()) return;
                work();
            }
        } catch (const std::exception& e) {
            fail(fmt::format("{}: {}", name, e.what()));
        }
    }

    void intake() {
        pthread_setname_np(pthread_self(), "intake");
        ask_for_short_slice();
        try {
            int64_t gave_up_at_ns = 0;
            while (!failed_.load()) {
                if (intake_stop_.load(std::memory_order_acquire)) {
                    const int64_t now = clock_.monotonic_ns();
                    if (gave_up_at_ns == 0) {
                        gave_up_at_ns = now + kStopPatienceNs;
                        ingest_->stop_reading();
                    }
                    const bool drained = ingest_->drained() && !chain_->gathering() && desks_idle();
                    if (drained || now > gave_up_at_ns) return;
                }
                const StampNs due = sla_stage_->due_ns();
                int64_t wait_ns = 100'000'000;
                if (due != TimerWheel<int>::kNever) {
                    // One that has passed had its tick; the state thread is about to tell the next.
                    const int64_t left_ns = due - clock_.wall_ns();
                    wait_ns = std::min<int64_t>(wait_ns, left_ns > 0 ? left_ns + 20'000 : 500'000);
                }
                if (!desks_idle()) wait_ns = std::min<int64_t>(wait_ns, 1'000'000);
                if (chain_->gathering()) wait_ns = 50'000;
                ingest_->do_work(wait_ns);
                chain_->housekeep(due);
                desk_->do_work();
                control_desk_->do_work();
                event_desk_->do_work();
            }
        } catch (const IntakeStopped&) {
        } catch (const std::exception& e) {
            fail(fmt::format("intake: {}", e.what()));
        }
    }

    bool desks_idle() const { return desk_->idle() && control_desk_->idle() && event_desk_->idle(); }

    /// Log thread, after each durable group.
    void committed() {
        ingest_->wake();
        regions_.notify();
    }

    Seq may_trim_below() const {
        Seq below = state_writer_->applied_seq();
        for (const auto& region : telemetry_.regions)
            if (region->configured) below = std::min(below, region->flushed_seq.load());
        return below;
    }

    void fail(const std::string& why) {
        spdlog::critical("{}; the appliance stops, and replays its log at the next start", why);
        telemetry_.set_failure(why);
        telemetry_.readiness = Readiness::kFailed;
        failed_ = true;
    }

    // --- the main thread ---

    /// True: a signal came. False: a part failed.
    bool wait_for_signal() {
        sigset_t signals;
        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        int64_t next_reload_ns = 0;
        while (!failed_.load()) {
            const timespec pause{0, kIdleWaitNs};
            if (sigtimedwait(&signals, nullptr, &pause) > 0) return true;
            if (telemetry_.commits.read() > 0) guard_.reset();
            publish_counts();
            regions_.follow();
            assignment_mail_.look();
            flush_reporter_.report(clock_.monotonic_ns());
            for (TlsIdentity* identity : {ingest_tls_.get(), http_tls_.get()})
                if (identity) identity->reload_changed_files();
            publish_view();
            if (clock_.monotonic_ns() >= next_reload_ns) {
                enrich_.reload_changed_files();
                next_reload_ns = clock_.monotonic_ns() + reload_interval_ns();
            }
        }
        return false;
    }

    /// A log that failed at a commit cannot be read either.
    void publish_view() {
        try {
            view_.publish(*sla_stage_->view(), log_, telemetry_);
        } catch (const LogError& e) {
            if (!failed_.load()) fail(fmt::format("log: {}", e.what()));
        }
    }

    void publish_counts() {
        const auto counts = machines_.alerts.counts();
        for (size_t i = 0; i < counts.size(); ++i)
            telemetry_.alerts[i].store(counts[i], std::memory_order_relaxed);
    }

    /// The shortest that a table asks for; looking at a file costs a microsecond.
    int64_t reload_interval_ns() const {
        uint64_t seconds = 3'600;
        for (const auto& lookup : config_.enrich.lookups) seconds = std::min(seconds, lookup.reload_s);
        return static_cast<int64_t>(seconds) * kSecondNs;
    }

    void stop(bool in_order) {
        telemetry_.readiness = in_order ? Readiness::kStopping : Readiness::kFailed;
        spdlog::info("stopping");
        if (!in_order) abandon_ = true;
        assignment_mail_.stop();
        alert_sender_->stop();  // first: what was delivered gets its record
        intake_stop_ = true;
        ingest_->wake();
        intake_thread_.join();
        log_stop_ = true;
        ring_.wake(kLogConsumer);
        log_thread_.join();
        if (!failed_.load()) {
            sla_stage_->request_checkpoint();
            ring_.wake(kStateConsumer);
            const int64_t until = clock_.monotonic_ns() + kStopPatienceNs;
            while (state_writer_->applied_seq() < telemetry_.committed_seq && clock_.monotonic_ns() < until &&
                   !failed_.load()) {
                state_writer_->wake();
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
                if (state_writer_->applied_seq() < telemetry_.committed_seq)
                    sla_stage_->request_checkpoint(), ring_.wake(kStateConsumer);
            }
        }
        state_writer_.reset();
        workflow_reader_.attach(nullptr);
        state_stop_ = true;
        ring_.wake(kStateConsumer);
        state_thread_.join();
        cold_indexer_.stop();
        regions_.stop(in_order ? kStopPatienceNs : 0);
        http_->stop();
        spdlog::info("stopped");
    }

    // Fixed after construction, or owned by the thread that is named.
    const Config config_;
    const StartOptions start_;
    std::optional<DamageGuard> guard_{std::in_place};  ///< until the first commit: all of both has been met
    const SystemClock clock_;
    DataFolder folder_;
    const std::unique_ptr<TlsIdentity> ingest_tls_, http_tls_;  ///< none: plain text; reloaded by main
    Telemetry telemetry_;                                       // atomics
    EventLog log_;                                              // written by the log thread
    const std::vector<std::unique_ptr<SealKey>> host_keys_;     ///< the first seals secrets of the log
    BatchRing ring_{limits::kSlabCount};
    DeadLetterMailbox mailbox_{1024};
    LetterMailbox letters_{256};
    ControlMailbox control_requests_{1024};
    EventsMailbox event_requests_{64};
    StateMachines machines_;  // state thread; its books are read by others
    LiveRegions regions_;     // main thread; a thread for each
    StateStore state_;        // written by the writer thread
    std::string admin_key_hash_;
    AuditTrail audit_trail_{machines_.audit, state_};
    FlushReporter flush_reporter_{machines_.review, telemetry_, control_requests_};  // main thread
    AssignmentMail assignment_mail_{config_,           machines_.review, machines_.access,
                                    control_requests_, telemetry_,       clock_};
    EngineReader workflow_reader_;
    LogSimulations simulations_;  // threads of its own
    ColdIndexer cold_indexer_;    // a thread of its own
    Vocabulary vocabulary_;
    IdentityRunWriter identity_runs_;                      // writer thread
    DedupStage dedup_;                                     // intake thread
    EnrichStage enrich_;                                   // intake thread; reloaded by the main thread
    std::map<std::string, Workflow> workflows_;            ///< of the configuration
    std::map<std::string, std::string> active_documents_;  ///< workflows that recovery found
    std::unique_ptr<ParseStage> parse_;
    std::unique_ptr<RouteStage> route_;
    std::unique_ptr<Sequencer> sequencer_;
    std::unique_ptr<IntakeChain> chain_;
    std::unique_ptr<DeadLetterDesk> desk_;
    std::unique_ptr<ControlDesk> control_desk_;
    std::unique_ptr<EventDesk> event_desk_;
    std::unique_ptr<Ingest> ingest_;
    std::unique_ptr<LogStage> log_stage_;
    std::unique_ptr<SlaStage> sla_stage_;
    std::unique_ptr<StateWriter> state_writer_;  // a thread of its own
    std::unique_ptr<EventSearch> event_search_;  // threads of its own
    std::unique_ptr<HttpServer> http_;
    std::unique_ptr<AlertSender> alert_sender_;  // threads of its own
    SlaViewPublisher view_;                      // main thread

    std::atomic<bool> failed_{false}, abandon_{false};
    std::atomic<bool> intake_stop_{false}, log_stop_{false}, state_stop_{false};
    std::thread intake_thread_, log_thread_, state_thread_;
};

void allow_many_sockets() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int run_appliance(const Config& config, const StartOptions& start) {
    set_up_logging(config.logging);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals,
                    nullptr);  // every thread inherits it; the main thread waits for them
    signal(SIGPIPE, SIG_IGN);
    allow_many_sockets();
    try {
        Appliance appliance(config, start);
        return appliance.run();
    } catch (const WaitInterrupted&) {
        spdlog::info("stopped while it waited");
        return 0;
    } catch (const std::exception& e) {
        spdlog::critical("{}", e.what());
        return 1;
    }
}

}  // namespace penstock
