// bench_peers: Penstock beside its peers and the limits of the machine. In every round each contestant has
// one turn, on a fresh server and folder; medians of the rounds. Results as JSON lines on stdout, what is
// going on on stderr. perf/peers.sh runs it.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

#include "perf/peers/contestant.h"
#include "perf/support/load.h"
#include "perf/support/regional_cluster.h"

namespace penstock::bench {

std::string find_program(const std::string& name) {
    for (const char* folder : {"/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin"}) {
        const std::string path = fmt::format("{}/{}", folder, name);
        if (access(path.c_str(), X_OK) == 0) return path;
    }
    return "";
}

namespace {

struct Options {
    std::string program, folder, plot;
    size_t rounds = 5;
    double seconds = 2;
    bool mix = false;
    std::vector<std::string> only;
};

constexpr double kTrySeconds = 0.5;   // of each shape, before the rounds
constexpr double kWarmUpShare = 0.5;  // of a turn's events: memory that is used again has been touched

struct Pair {
    std::string_view of, to;
    double target = 0;  ///< times, at least; of the generator's events
};
/// Like beside like: one connection or many, into the log or into PostgreSQL.
constexpr Pair kPairs[] = {{"penstock_json", "redis_always", 4},
                           {"penstock_json_many", "redis_always_many", 4},
                           {"penstock_json", "redis_everysec", 1.5},
                           {"penstock_json_many", "redis_everysec_many", 1.5},
                           {"penstock_json", "nats_file", 2.5},
                           {"penstock_json_many", "nats_file_many", 2.5},
                           {"penstock_json_many", "nats_file_sync_always"},
                           {"penstock_json", "rabbitmq_confirms"},
                           {"penstock_json", "limit_memchr_over_tcp"},
                           {"penstock_binary", "penstock_json", 1.5},
                           {"penstock_binary_many", "penstock_json_many", 1.5},
                           {"penstock_to_postgresql", "rsyslog_to_postgresql"},
                           {"penstock_to_postgresql", "limit_bare_copy"},
                           {"penstock_log_append", "limit_bare_lmdb", 0.8}};

class Contest {
  public:
    explicit Contest(const Options& options) : options_(options) {
        ContestOptions shared;
        shared.program = options.program;
        if (options.seconds < 1) shared.records = 40;
        if (RegionalCluster::possible())
            shared.cluster = std::make_shared<RegionalCluster>(options.folder + "/postgresql");
        add_penstock(shared, all_);
        add_redis(all_);
        add_nats(all_);
        add_rabbitmq(all_);
        add_rsyslog(shared, all_);
        add_limits(shared, all_);
        const auto& only = options_.only;
        if (only.empty()) return;
        std::erase_if(all_, [&](const auto& contestant) {
            return std::find(only.begin(), only.end(), contestant->facts().name) == only.end();
        });
    }

    /// False where somebody's events did not all arrive.
    bool run() {
        for (const auto& contestant : all_) find_best_shape(*contestant);
        for (size_t round = 0; round < options_.rounds; ++round)
            for (size_t i = 0; i < all_.size(); ++i) {
                // There and back, from another one each time: nobody always comes after the same one.
                const size_t place = (i + round) % all_.size();
                Contestant& contestant = *all_[round % 2 == 0 ? place : all_.size() - 1 - place];
                Entry& entry = entries_[contestant.facts().name];
                if (entry.events == 0) continue;
                const double rate = take_turn(contestant, entry.shape, entry.events);
                if (rate == 0) {
                    entry.events = 0;
                    continue;
                }
                entry.rates.add(rate);
                std::cerr << fmt::format("peers {} {}/{}: {:.0f} events/s\n", contestant.facts().name,
                                         round + 1, options_.rounds, rate);
            }
        print();
        return failures_ == 0;
    }

  private:
    struct Entry {
        Shape shape;
        uint64_t events = 0;  ///< of a turn; 0: it does not take part
        Runs rates;
        std::string skipped;
    };

    void find_best_shape(Contestant& contestant) {
        const Contestant::Facts& facts = contestant.facts();
        Entry& entry = entries_[facts.name];
        entry.skipped = contestant.missing();
        if (!entry.skipped.empty()) return;
        double best = 0;
        const double seconds = std::min(kTrySeconds, options_.seconds);
        for (const Shape& shape : facts.shapes) {
            const double rate = take_turn(contestant, shape, events_for(facts.guess, seconds * facts.longer));
            std::cerr << fmt::format("peers {}: {} connections, window {}: {:.0f} events/s\n", facts.name,
                                     shape.connections, shape.window, rate);
            if (rate <= best) continue;
            best = rate;
            entry.shape = shape;
        }
        if (best > 0) entry.events = events_for(best, options_.seconds * facts.longer);
    }
    static uint64_t events_for(double rate, double seconds) {
        return std::max<uint64_t>(static_cast<uint64_t>(rate * seconds), 1000);
    }

    /// Events a second; 0 where the turn failed.
    double take_turn(Contestant& contestant, const Shape& shape, uint64_t events) {
        Turn turn;
        turn.folder = options_.folder + "/turn";
        turn.feed.mix = options_.mix;
        turn.shape = shape;
        turn.warm_up = static_cast<uint64_t>(kWarmUpShare * static_cast<double>(events)) + 1;
        turn.events = events;
        std::filesystem::remove_all(turn.folder);
        std::filesystem::create_directories(turn.folder);
        settle_disk();
        double rate = 0;
        try {
            rate = static_cast<double>(events) / contestant.run(turn);
        } catch (const std::exception& e) {
            if (stop_requested()) throw;
            ++failures_;
            std::cerr << fmt::format("bench_peers: {}: {}\n", contestant.facts().name, e.what());
        }
        std::filesystem::remove_all(turn.folder);
        return rate;
    }
    /// What one turn left to be written must not be written in the next.
    void settle_disk() const {
        const int fd = open(options_.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        syncfs(fd);
        close(fd);
    }

    /// In each round, so that the machine's moods fall on both.
    Runs ratio(const Entry& of, const Entry& to) const {
        Runs out;
        for (size_t i = 0; i < std::min(of.rates.count(), to.rates.count()); ++i)
            out.add(of.rates.at(i) / to.rates.at(i));
        return out;
    }

    void print() {
        const std::string form = options_.mix ? "mix" : "268B";
        const EventFeed feed({.mix = options_.mix});
        std::ofstream plot;
        if (!options_.plot.empty()) plot.open(options_.plot);
        for (const auto& contestant : all_) {
            const Contestant::Facts& facts = contestant->facts();
            const Entry& entry = entries_[facts.name];
            const std::string name = fmt::format("peers/{}/{}", form, facts.name);
            if (!entry.skipped.empty()) {
                fmt::print("{{\"name\":\"{}\",\"skipped\":\"{}\"}}\n", name, entry.skipped);
                continue;
            }
            if (entry.events == 0) continue;
            Result result(name, entry.rates, "events/s");
            result.more("durability", facts.durability)
                .more("events_a_turn", static_cast<double>(entry.events))
                .more("connections", static_cast<double>(entry.shape.connections))
                .more("window_events", static_cast<double>(entry.shape.window))
                .more("json_bytes_an_event", feed.bytes_an_event());
            result.print();
            plot << fmt::format("{}\t{:.0f}\t{:.0f}\t{:.0f}\t{}\n", facts.name, entry.rates.median(),
                                entry.rates.low(), entry.rates.high(), facts.durability);
        }
        for (const Pair& pair : kPairs) {
            const Runs times = ratio(entries_[std::string(pair.of)], entries_[std::string(pair.to)]);
            if (times.count() == 0) continue;
            Result result(fmt::format("peers/{}/{}/{}", form, pair.of, pair.to), times, "times");
            if (!options_.mix && pair.target > 0) result.target(pair.target);
            result.print();
        }
    }

    const Options options_;
    Contestants all_;
    std::map<std::string, Entry> entries_;
    size_t failures_ = 0;
};

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
    using namespace penstock::bench;
    CLI::App app("Penstock beside its peers.");
    Options options;
    app.add_option("--program", options.program, "path of penstock")->required();
    app.add_option("--folder", options.folder, "where data goes; emptied, and removed at the end")
        ->required();
    app.add_option("--plot", options.plot, "file for name, median, low and high of each, for the plots");
    app.add_option("--rounds", options.rounds)->capture_default_str();
    app.add_option("--seconds", options.seconds, "of a turn, about")->capture_default_str();
    app.add_flag("--mix", options.mix, "events of 120 bytes to 4 KB, skewed keys, repeats, disorder");
    app.add_option("--only", options.only, "names of contestants; all where none is given");
    CLI11_PARSE(app, argc, argv);
    catch_stop_signals();
    int code = 1;
    try {
        std::filesystem::remove_all(options.folder);
        std::filesystem::create_directories(options.folder);
        code = Contest(options).run() ? 0 : 1;
    } catch (const std::exception& e) {
        std::cerr << "bench_peers: " << e.what() << '\n';
    }
    std::error_code ignored;
    std::filesystem::remove_all(options.folder, ignored);
    return code;
}
