// penstock generate: events of a fleet of cameras, to look at or to send.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "admin/cli/event_generator.h"
#include "admin/cli/send_job.h"
#include "pipeline/rfc3339.h"

namespace penstock::cli {
namespace {

constexpr uint64_t kEndless = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kEventsDefault = 10;
/// Between two events of one incident, where a rate is given; without one, so many events.
constexpr double kIncidentGapS = 0.5;
constexpr uint64_t kIncidentGapEvents = 1000;

/// The generator as the client's source; ends after a number of events, or a time.
class GeneratedLines final : public LineSource {
  public:
    GeneratedLines(EventGenerator& generator, uint64_t events, double seconds)
        : generator_(generator),
          events_(events),
          end_ns_(seconds > 0 ? monotonic_now_ns() + static_cast<int64_t>(seconds * 1e9)
                              : std::numeric_limits<int64_t>::max()) {}

    Taken take(std::string& out, uint64_t events_max, size_t bytes_target) override {
        Taken taken;
        while (taken.events < events_max && out.size() < bytes_target && made_ < events_) {
            generator_.next(out);
            ++taken.events;
            ++made_;
        }
        taken.ended = made_ == events_ || monotonic_now_ns() >= end_ns_;
        return taken;
    }
    std::optional<double> fraction() const override {
        if (events_ == kEndless) return std::nullopt;
        return static_cast<double>(made_) / static_cast<double>(events_);
    }

  private:
    EventGenerator& generator_;
    const uint64_t events_;
    const int64_t end_ns_;
    uint64_t made_ = 0;
};

struct Flags {
    SendJob job;
    uint64_t count = kEventsDefault;
    std::optional<uint64_t> seed;
    std::optional<double> for_s;
    std::string start;
    uint32_t keys = 1000;
    double duplicates_percent = 0;
    bool count_given = false, print = false, incidents = false;
};

/// How many, and for how long (0: not bounded by time).
std::pair<uint64_t, double> extent(const Flags& flags) {
    if (!flags.for_s) return {flags.count, 0};
    if (flags.count_given) return {flags.count, *flags.for_s};
    if (*flags.for_s > 0 && !flags.job.rate.empty())
        return {static_cast<uint64_t>(std::llround(parse_rate(flags.job.rate) * *flags.for_s)), 0};
    return {kEndless, *flags.for_s};
}

EventGenerator::Options generator_options(const Flags& flags, const Clock& clock) {
    EventGenerator::Options options;
    options.cameras = flags.keys;
    options.duplicates_percent = flags.duplicates_percent;
    if (!flags.job.rate.empty()) options.interval_ns = std::llround(1e9 / parse_rate(flags.job.rate));
    if (flags.incidents)
        options.incident_gap =
            flags.job.rate.empty()
                ? kIncidentGapEvents
                : std::max<uint64_t>(1, std::llround(parse_rate(flags.job.rate) * kIncidentGapS));
    if (flags.start == "now") {
        options.start_ns = clock.wall_ns();
    } else if (!flags.start.empty()) {
        const auto start = parse_rfc3339(flags.start);
        if (!start)
            throw CommandError(
                kUsage,
                fmt::format("--start \"{}\" is no time; write now, or 2026-01-31T08:00:00Z", flags.start));
        options.start_ns = *start;
    } else if (!flags.seed) {
        options.clock = &clock;  // real traffic: each event has the time of its making
    }
    return options;
}

void print_events(EventGenerator& generator, uint64_t events) {
    catch_interrupts();
    constexpr size_t kBlockBytes = 64 * 1024;
    std::string block;
    for (uint64_t i = 0; i < events && interrupts() == 0; ++i) {
        generator.next(block);
        if (block.size() < kBlockBytes) continue;
        print(block);
        block.clear();
    }
    print(block);
}

ExitCode run(const Flags& flags) {
    const SystemClock clock;
    const auto [events, seconds] = extent(flags);
    EventGenerator generator(flags.seed.value_or(EventGenerator::random_seed()),
                             generator_options(flags, clock));
    if (flags.print) {
        if (!flags.job.rate.empty() || flags.for_s)
            throw CommandError(kUsage,
                               "--print writes a number of events at once; leave out --rate and --for");
        print_events(generator, events);
        return interrupts() > 0 ? kInterrupted : kOk;
    }
    GeneratedLines lines(generator, events, seconds);
    return flags.job.run(lines, flags.for_s && *flags.for_s == 0);
}

}  // namespace

void add_generate(CLI::App& app, int& exit_code) {
    auto flags = std::make_shared<Flags>();
    CLI::App* command = app.add_subcommand("generate", "Make camera events and send or print them");
    command->footer(
        "Makes events of a fleet of cameras (motion, object, face and intrusion detection in five regions) "
        "and sends\n"
        "them to an appliance as `send` does, or prints them."
        "\n\n"
        "Examples:\n"
        "  penstock generate                          ten events to localhost:7400\n"
        "  penstock generate 1000 --seed 7 --print    a thousand, always the same\n"
        "  penstock generate --rate 100K/s --for 60   a minute of steady traffic\n"
        "  penstock generate --rate 2K/s --for 0      until Ctrl-C");
    CLI::Option* count = command->add_option("N", flags->count, "number of events")->capture_default_str();
    command->add_flag("--print", flags->print, "write the events to stdout instead of sending them");
    command->add_option("--for", flags->for_s, "seconds of traffic instead of a number; 0: until interrupted")
        ->check(CLI::NonNegativeNumber);
    command->add_option("--seed", flags->seed,
                        "the same seed makes the same events, ids and times included; times then begin at "
                        "2026-01-01T00:00:00Z");
    command->add_option("--start", flags->start, "time of the first event: now, or RFC 3339");
    command->add_option("--keys", flags->keys, "number of cameras (subjects)")
        ->check(CLI::Range(1u, 10'000'000u))
        ->capture_default_str();
    command
        ->add_option("--duplicates", flags->duplicates_percent,
                     "percent of the events that repeat an earlier one")
        ->check(CLI::Range(0.0, 100.0));
    command->add_flag(
        "--incidents", flags->incidents,
        "motion, object, face, each leading to the next in half a second, with data.incident; few "
        "stall, a few are intrusions (docs/examples/incidents.workflow.json)");
    flags->job.add_flags(*command);
    command->callback([flags, count, &exit_code] {
        flags->count_given = count->count() > 0;
        exit_code = run(*flags);
    });
}

}  // namespace penstock::cli
