// penstock simulate: the live engine over a file of events, on a clock that their own times turn.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <tuple>

#include "admin/cli/event_text.h"
#include "admin/cli/line_source.h"
#include "admin/cli/simulate_history.h"
#include "admin/cli/simulate_report.h"
#include "admin/cli/terminal.h"
#include "pipeline/event_batch.h"
#include "stages/dedup/dedup.h"
#include "stages/parse/parse.h"
#include "stages/sla/engine.h"

namespace penstock::cli {
namespace {

constexpr size_t kReadBytes = 1 << 20;
constexpr size_t kShownMax = 20;

Workflow read_workflow(const std::string& path) {
    std::ifstream in(path);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in) throw CommandError(kUsage, fmt::format("cannot read the workflow {}", path));
    try {
        return parse_workflow(text);
    } catch (const WorkflowError& e) {
        throw CommandError(kUsage, fmt::format("{}: {}", path, e.what()));
    }
}

/// A file of events has one tenant, whatever its name.
Workflow of_any_tenant(const Workflow& workflow) {
    if (workflow.tenant.empty()) return workflow;
    boost::json::value document = boost::json::parse(workflow.document);
    document.as_object().erase("tenant");
    return parse_workflow(boost::json::serialize(document));
}

/// One pass over the events. Times must not fall; where they do, the events are kept and sorted first.
class Simulation {
  public:
    Simulation(const Workflow& workflow, bool keep)
        : keep_(keep),
          workflow_(of_any_tenant(workflow)),
          parse_(std::vector<uint8_t>(192, 1), vocabulary_, 0),
          // Every repeat in a file is a repeat, however far apart: the window has no end.
          dedup_({std::numeric_limits<int64_t>::max() / 2, std::numeric_limits<size_t>::max()}) {
        batch_ = std::make_unique<EventBatch>();
        batch_->clear();
    }

    /// False: the stream is not in order of time, and this pass does not sort.
    bool take(std::string_view line, uint64_t line_number) {
        while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
        if (line.empty()) return true;
        if (line.size() > limits::kEventBytesMax) {
            refuse(line_number, fmt::format("the line has {} bytes; at most {} are allowed", line.size(),
                                            limits::kEventBytesMax));
            return true;
        }
        const size_t at = text_.size();
        text_.append(line);
        pending_.push_back({at, line.size(), line_number});
        return pending_.size() < limits::kBatchEventsMax / 2 || run();
    }

    /// False as take().
    bool run() {
        text_.resize(text_.size() + 64);  // the parser reads ahead
        work_.clear();
        for (const auto& p : pending_) {
            work_.raw.push_back({reinterpret_cast<const uint8_t*>(text_.data()) + p.offset,
                                 static_cast<uint32_t>(p.size), RawEvent::Format::kJson, 0, 0, p.line});
            work_.verdicts.push_back(Verdict::kPending);
        }
        bool in_order = true;
        while (in_order && work_.raw_done < work_.raw.size()) {
            work_.batch = batch_.get();
            parse_.do_work(work_);
            dedup_.do_work(work_, 1);
            in_order = take_items();
        }
        for (const RefusedEvent& r : work_.refused) refuse(work_.raw[r.raw].position, r.detail);
        for (const Verdict v : work_.verdicts) duplicates_ += v == Verdict::kDuplicate;
        pending_.clear();
        text_.clear();
        return in_order;
    }

    void finish() {
        std::stable_sort(kept_.begin(), kept_.end(), [](const Kept& a, const Kept& b) {
            return a.batch->heads[a.item].time_ns < b.batch->heads[b.item].time_ns;
        });
        for (const Kept& k : kept_) feed(*k.batch, k.item);
        if (events_ == 0) engine_.define(workflow_, 0);
    }

    /// A workflow that names its stages also tells what only such a one can have.
    std::string json() const {
        const WorkflowCounts counts = engine_.counts(engine_.workflow_ids().front());
        std::string out = fmt::format("{{\n \"events\": {},\n \"clock_end_ms\": {},\n", events_, end_ms());
        if (duplicates_) out += fmt::format(" \"duplicates\": {},\n", duplicates_);
        if (refused_) out += fmt::format(" \"refused\": {},\n", refused_);
        const WorkflowView view = engine_.view(workflow_.name);
        if (workflow_.long_form)
            out += fmt::format(" \"condition_errors\": {},\n", counts.condition_errors) +
                   order_json(view.disorder);
        out += " \"edges\": [";
        for (size_t i = 0; i < counts.edges.size(); ++i) {
            const EdgeCounts& e = counts.edges[i];
            out += i ? ",\n  {\n" : "\n  {\n";
            if (workflow_.long_form) out += fmt::format("   \"name\": {},\n", json_string(e.name));
            out +=
                fmt::format("   \"from\": {},\n   \"to\": {},\n   \"within_ms\": {},\n   \"anchored\": {},\n",
                            json_string(e.from), json_string(e.to), e.within_ms, e.anchored);
            out += fmt::format("   \"met\": {},\n   \"late\": {},\n   \"missed\": {},\n   \"pending\": {}",
                               e.met, e.late, e.missed, e.pending);
            if (workflow_.long_form) out += fmt::format(",\n   \"cancelled\": {}", e.cancelled);
            out += "\n  }";
        }
        return out + "\n ]" + rules_and_groups_json(view) + "\n}\n";
    }

    std::string table() const {
        const WorkflowCounts counts = engine_.counts(engine_.workflow_ids().front());
        std::string out = fmt::format("{} events, {} keys, up to {}\n", with_commas(events_),
                                      with_commas(engine_.instances()), rfc3339_text());
        const auto row = [&](const auto& edge, const auto& anchored, const auto& met, const auto& late,
                             const auto& missed, const auto& pending, const auto& cancelled) {
            out += fmt::format("{:<52} {:>9} {:>9} {:>9} {:>9} {:>9}", edge, anchored, met, late, missed,
                               pending);
            out += workflow_.long_form ? fmt::format(" {:>9}\n", cancelled) : "\n";
        };
        if (!counts.edges.empty()) out += '\n';
        if (!counts.edges.empty()) row("edge", "anchored", "met", "late", "missed", "pending", "cancelled");
        for (const EdgeCounts& e : counts.edges)
            row(fmt::format("{} within {}", e.name, short_duration(static_cast<double>(e.within_ms) / 1e3)),
                e.anchored, e.met, e.late, e.missed, e.pending, e.cancelled);
        if (counts.condition_errors)
            out += fmt::format("\n{} conditions could not be evaluated, and did not match\n",
                               with_commas(counts.condition_errors));
        const WorkflowView view = engine_.view(workflow_.name);
        return out + order_text(view.disorder) + rules_and_groups_table(view);
    }
    uint64_t refused() const { return refused_; }
    uint64_t duplicates() const { return duplicates_; }
    const std::vector<std::string>& complaints() const { return complaints_; }

  private:
    struct Pending {
        size_t offset, size;
        uint64_t line;
    };
    struct Kept {
        const EventBatch* batch;
        uint32_t item;
    };

    bool take_items() {
        EventBatch& b = *batch_;
        for (size_t i = work_.begin; i < b.count(); ++i) {
            if (!(b.heads[i].flags & kHeadHasTime)) {
                refuse(work_.raw[work_.raw_of[i]].position,
                       "has no time; a simulation runs on the events' own times");
                continue;
            }
            if (keep_) {
                kept_.push_back({&b, static_cast<uint32_t>(i)});
            } else if (b.heads[i].time_ns < clock_ns_) {
                return false;
            } else {
                feed(b, i);
            }
        }
        if (!keep_) {
            b.clear();
        } else if (b.full() || work_.raw_done < work_.raw.size()) {
            kept_batches_.push_back(std::move(batch_));
            batch_ = std::make_unique<EventBatch>();
            batch_->clear();
        }
        return true;
    }
    void feed(const EventBatch& b, size_t item) {
        const EventHead& head = b.heads[item];
        // As if it had been published with the first event: rules on the clock begin there.
        if (events_ == 0) engine_.define(workflow_, head.time_ns);
        clock_ns_ = head.time_ns;
        engine_.on_event(head, {b.heap + head.offset, head.length}, ++events_, clock_ns_);
    }
    void refuse(uint64_t line, const std::string& why) {
        if (++refused_ <= kShownMax) complaints_.push_back(fmt::format("line {}: {}", line, why));
    }
    int64_t end_ms() const {
        return events_ ? (clock_ns_ - ((clock_ns_ % 1'000'000 + 1'000'000) % 1'000'000)) / 1'000'000 : 0;
    }
    std::string rfc3339_text() const { return events_ ? format_rfc3339(clock_ns_) : "no time"; }

    const bool keep_;
    const Workflow workflow_;
    Vocabulary vocabulary_;
    ParseStage parse_;
    DedupStage dedup_;
    Engine engine_{{}};
    std::unique_ptr<EventBatch> batch_;
    std::vector<std::unique_ptr<EventBatch>> kept_batches_;
    std::vector<Kept> kept_;
    WorkBatch work_;
    std::string text_;
    std::vector<Pending> pending_;
    std::vector<std::string> complaints_;
    StampNs clock_ns_ = std::numeric_limits<StampNs>::min();
    uint64_t events_ = 0, refused_ = 0, duplicates_ = 0;
};

/// Null: the stream is not in order, and `keep` was false.
std::unique_ptr<Simulation> simulate(const Workflow& workflow, ByteInput& input, bool keep) {
    auto simulation = std::make_unique<Simulation>(workflow, keep);
    std::string carry, buffer(kReadBytes, '\0');
    uint64_t line_number = 0;
    for (;;) {
        const int64_t n = input.read(buffer.data(), buffer.size());
        if (n == ByteInput::kNothingYet) continue;
        if (n == 0) break;
        std::string_view rest(buffer.data(), static_cast<size_t>(n));
        for (size_t end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
            std::string_view line = rest.substr(0, end);
            if (!carry.empty()) line = carry.append(line);
            if (!simulation->take(line, ++line_number)) return nullptr;
            carry.clear();
            rest.remove_prefix(end + 1);
        }
        carry.append(rest);
    }
    if (!carry.empty() && !simulation->take(carry, ++line_number)) return nullptr;
    if (!simulation->run()) return nullptr;
    simulation->finish();
    return simulation;
}

}  // namespace

void add_simulate(CLI::App& app, int& exit_code) {
    struct Flags {
        std::string workflow, events;
        HistoryFlags history;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = app.add_subcommand(
        "simulate", "Run a workflow over a file of events, or over an appliance's history");
    command->add_option("--workflow", flags->workflow, "Workflow document, JSON")
        ->required()
        ->option_text("FILE");
    CLI::Option* events =
        command->add_option("--events", flags->events, "Events, NDJSON, plain or .gz; - for stdin")
            ->option_text("FILE");
    HistoryFlags& history = flags->history;
    for (const auto& [name, value, about] :
         {std::tuple{"--region", &history.region,
                     "read this region's database; without it the appliance's log"},
          std::tuple{"--from", &history.from,
                     "received then or later: RFC 3339, or how long ago: 90s, 15m, 2h, 7d"},
          std::tuple{"--to", &history.to, "received before; without it now"},
          std::tuple{"--key", &history.key, "tell what is found about this key one by one"},
          std::tuple{"--tenant", &history.tenant, "of the key; without it default"}})
        command->add_option(name, *value, about)->excludes(events);
    history.place.add_to(*command);
    command->footer(
        "With --events: tells how many keys would have met, missed or been late on each edge, and what each "
        "rule on the clock and each group came to. It is the engine that runs live, on a clock that the "
        "events' own times turn; events out of order are put in order first. The workflow begins with the "
        "first of them. Nothing is sent and nothing is stored."
        "\n\n"
        "Without --events: over the events that a running appliance has received, at the times at which it "
        "received them, beside the active version of that name; tells which troubles would be found more, "
        "which no more, and which at another deadline. Ctrl-C cancels it.\n\n"
        "met        settled at or before the deadline\n"
        "late       settled after it\n"
        "missed     not settled, and the deadline is before the last event's time\n"
        "pending    not settled, deadline not reached\n"
        "cancelled  another of exclusive edges was taken, an optional stage was skipped, or the case ended\n"
        "\nExamples:\n"
        "  penstock simulate --workflow helpdesk.workflow.json --events helpdesk.ndjson.gz\n"
        "  penstock simulate --workflow w.json --events - -o json < events.ndjson\n"
        "  penstock simulate --workflow w.json --from 7d --config penstock.toml\n"
        "Exit codes: 0 all events counted, 1 some were refused, 2 the workflow has faults.");
    command->callback([flags, &exit_code] {
        const Workflow workflow = read_workflow(flags->workflow);
        if (flags->events.empty()) {
            exit_code = simulate_history(workflow.document, flags->history);
            return;
        }
        const bool from_pipe = flags->events == "-";
        auto input = std::make_unique<ByteInput>(flags->events);
        auto simulation = simulate(workflow, *input, from_pipe);
        if (!simulation) {
            input = std::make_unique<ByteInput>(flags->events);
            simulation = simulate(workflow, *input, true);
        }
        for (const std::string& complaint : simulation->complaints()) warn(complaint);
        if (simulation->refused())
            complain(fmt::format("{} lines were refused", with_commas(simulation->refused())));
        if (simulation->duplicates())
            warn(fmt::format("{} duplicates were left out", with_commas(simulation->duplicates())));
        print(flags->history.place.output.json() ? simulation->json() : simulation->table());
        exit_code = simulation->refused() ? kFailed : kOk;
    });
}

}  // namespace penstock::cli
