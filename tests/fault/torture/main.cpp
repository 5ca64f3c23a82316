// make torture: kills `penstock serve` under load again and again, and its regions now and then, and shows
// that nothing acknowledged is lost and nothing is stored twice.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "pipeline/clock.h"
#include "tests/fault/torture/check.h"
#include "tests/support/postgres_proxy.h"

namespace penstock::test::torture {
namespace {

constexpr int kSkipped = 77;

struct Options {
    int cycles = 5;
    uint64_t events_per_second = 1'500;  ///< of each producer
};

class Run {
  public:
    explicit Run(const Options& options)
        : options_(options),
          us_proxy_(us_.dsn()),
          workflow_("torture.workflow.json", kWorkflow),
          appliance_(fmt::format(
              "[dedup]\nwindow_s = 60\n[state]\ncheckpoint_s = 1\n"
              "[flush]\nlinger_ms = 20\ntimeout_s = 3\n[sla]\nrecovery_hold_s = 0\nworkflows = [\"{}\"]\n"
              "[[region]]\nname = \"us\"\ndsn = \"{}\"\n"
              "[[region]]\nname = \"eu\"\ndsn = \"{}\"\n",
              workflow_.path(), us_proxy_.dsn(), eu_.dsn())) {
        // Small, so that records leave and their pages are used again while it is killed.
        appliance_.set_arguments({"--set", "log.retention_bytes=16MiB"});
        for (size_t i = 0; i < 4; ++i)
            producers_.push_back(std::make_unique<Producer>(
                Producer::Options{i, i < 2, i % 2 == 1, options.events_per_second}, field_));
    }

    int go() {
        began_ns_ = monotonic_now_ns();
        try {
            for (int cycle = 1; cycle <= options_.cycles && field_.faults().empty(); ++cycle) {
                torment();
                progress(cycle);
            }
            finish();
        } catch (const std::exception& e) {
            field_.wrong(e.what());
        }
        field_.stop = true;
        return report();
    }

  private:
    double seconds() const { return static_cast<double>(monotonic_now_ns() - began_ns_) / 1e9; }

    /// One start, some load, one kill.
    void torment() {
        start();
        const auto spoils = {PostgresProxy::Mode::kLoseAnswer, PostgresProxy::Mode::kLate,
                             PostgresProxy::Mode::kSwallow};
        const int run_ms = 200 + static_cast<int>(random_.below(1'300));
        const bool spoil = random_.chance(40), kill_region = random_.chance(20);
        sleep_ms(run_ms / 2);
        if (spoil)
            us_proxy_.spoil_next_commit(*(spoils.begin() + random_.below(spoils.size())),
                                        std::chrono::milliseconds(50));
        PostgresCluster& victim = random_.chance(50) ? us_ : eu_;
        if (kill_region) {
            victim.kill9();
            ++region_kills_;
        }
        sleep_ms(run_ms / 2);
        kill();
        if (kill_region) victim.start();
        while (random_.chance(25)) {  // killed while it recovers
            appliance_.launch();
            ::usleep(static_cast<useconds_t>(random_.below(120'000)));
            kill();
            ++recovery_kills_;
        }
    }

    void start() {
        const int64_t began_ns = monotonic_now_ns();
        appliance_.start();
        longest_start_ns_ = std::max(longest_start_ns_, monotonic_now_ns() - began_ns);
        field_.port = appliance_.events_port();
    }
    void kill() {
        field_.port = 0;
        appliance_.kill9();
        ++kills_;
    }

    uint64_t acked() const {
        uint64_t sum = 0;
        for (const auto& p : producers_) sum += p->acked();
        return sum;
    }
    uint64_t resent() const {
        uint64_t sum = 0;
        for (const auto& p : producers_) sum += p->resent();
        return sum;
    }

    void progress(int cycle) {
        const bool terminal = ::isatty(1);
        if (!terminal && cycle % 10 != 0 && cycle != options_.cycles) return;
        fmt::print("{}cycle {} of {}: {} events acked, {:.0f}/s, {} sent again, {} kills, {} of regions{}",
                   terminal ? "\r" : "", cycle, options_.cycles, acked(),
                   static_cast<double>(acked()) / seconds(), resent(), kills_, region_kills_,
                   terminal ? "   " : "\n");
        if (terminal && cycle == options_.cycles) fmt::print("\n");
        std::fflush(stdout);
    }

    /// Everything is acknowledged and flushed, then looked at.
    void finish() {
        start();
        field_.finish = true;
        const bool all = eventually(
            [&] {
                return field_.stop ||
                       std::all_of(producers_.begin(), producers_.end(), [](auto& p) { return p->done(); });
            },
            60);
        if (!all) field_.wrong("the producers' last events were not answered within 60 s");
        field_.stop = true;
        for (auto& p : producers_) p->join();
        if (!all) return;
        totals_ = expected(producers_);
        const std::vector<PostgresCluster*> clusters{&us_, &eu_};
        eventually(
            [&] {
                for (size_t i = 0; i < clusters.size(); ++i) {
                    const int64_t rows = clusters[i]->number("SELECT count(*) FROM penstock.event");
                    if (rows < static_cast<int64_t>(totals_.by_region[i])) return false;
                }
                return true;
            },
            60);
        check_deadlines(producers_, appliance_, workflow_.path(), field_);
        const CommandResult beside = penstock({"log", "verify", "--config", appliance_.config_file()});
        if (beside.exit_code != 0) field_.wrong("log verify, beside the appliance: " + beside.err);
        appliance_.stop();
        check_regions(producers_, clusters, field_, totals_);
        check_dead_letters(producers_, appliance_.data_dir(), field_, totals_);
        const CommandResult verify = penstock({"log", "verify", "--config", appliance_.config_file()});
        if (verify.exit_code != 0) field_.wrong("log verify: " + verify.err);
    }

    int report() {
        const auto faults = field_.faults();
        fmt::print(
            "{}: {} kills of the appliance ({} while it recovered), {} of a region, {} commits spoiled, in "
            "{:.0f} s\n",
            faults.empty() ? "passed" : "FAILED", kills_, recovery_kills_, region_kills_, us_proxy_.spoiled(),
            seconds());
        fmt::print("events: {} in their regions, {} lost, {} twice, {} elsewhere; sent again {}\n",
                   totals_.events - totals_.missing, totals_.missing, totals_.twice, totals_.strange,
                   resent());
        fmt::print("refused: {}; {} dead letters still retained, all looked for; longest start {} ms\n",
                   totals_.refused, totals_.dead_letters_looked_for, longest_start_ns_ / 1'000'000);
        for (const std::string& what : faults) fmt::print("wrong: {}\n", what);
        if (!faults.empty()) fmt::print("its last log:\n{}\n", appliance_.log_since_start());
        fmt::print("{}\n", seed_note());
        return faults.empty() ? 0 : 1;
    }

    const Options options_;
    Random random_{1};
    PostgresCluster us_, eu_;
    PostgresProxy us_proxy_;
    TemporaryFile workflow_;
    ApplianceProcess appliance_;
    Field field_;
    std::vector<std::unique_ptr<Producer>> producers_;
    Totals totals_;
    int64_t began_ns_ = 0, longest_start_ns_ = 0;
    int kills_ = 0, recovery_kills_ = 0, region_kills_ = 0;
};

}  // namespace
}  // namespace penstock::test::torture

int main(int argc, char** argv) {
    using namespace penstock::test;
    torture::Options options;
    CLI::App app{
        "Kills the appliance under load again and again. Exit codes: 0 nothing lost and nothing "
        "twice, 1 otherwise, 77 PostgreSQL is not installed. PENSTOCK_TEST_SEED sets the seed."};
    app.add_option("--cycles", options.cycles, "kills under load")->capture_default_str();
    app.add_option("--rate", options.events_per_second, "events a second of each of four producers")
        ->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    signal(SIGPIPE, SIG_IGN);
    fmt::print("{}\n", seed_note());
    if (!PostgresCluster::available()) {
        fmt::print("skipped: PostgreSQL is not installed: apt-get install postgresql\n");
        return torture::kSkipped;
    }
    try {
        return torture::Run(options).go();
    } catch (const std::exception& e) {
        fmt::print("{}\n", e.what());
        return 1;
    }
}
