#include "admin/simulation_runs.h"

#include <xxhash.h>

#include <utility>

#include "schemas/identity.h"

namespace penstock {
namespace {

std::string_view name_of(Finding::Kind kind) {
    switch (kind) {
        case Finding::Kind::kMissed:
            return "missed";
        case Finding::Kind::kDeliveredLate:
            return "delivered_late";
        case Finding::Kind::kLate:
            return "late";
        case Finding::Kind::kWithdrawn:
            return "withdrawn";
        case Finding::Kind::kRecovered:
            return "recovered";
        case Finding::Kind::kDisorder:
            return "disorder";
        case Finding::Kind::kOutOfRange:
            return "out_of_range";
    }
    return "";
}

}  // namespace

/// One document's engine, and what it finds.
class SimulationRuns::Run {
  public:
    Run(const std::string& document, bool candidate, const Engine::Options& options,
        const SimulationRequest& request, const std::vector<uint8_t>& hash_secret,
        const std::vector<std::string>& tenants, SimulationDifferences& differences,
        std::vector<SimulatedFinding>& findings)
        : engine_(options),
          candidate_(candidate),
          request_(request),
          differences_(differences),
          findings_(findings) {
        if (!request.key.empty()) {
            subject_key_ = IdentityHasher(hash_secret).key(request.tenant, request.key);
            const XXH128_hash_t h =
                XXH3_128bits_withSeed(request.key.data(), request.key.size(), request.tenant);
            selected_key_ = {h.low64, h.high64};
        }
        engine_.on_finding = [this](const Finding& finding) { take(finding); };
        engine_.name_tenants(tenants);
        workflow_ = parse_workflow(document);
        name_ = workflow_.name;
    }

    void begin(StampNs now_ns) { engine_.define(std::move(workflow_), now_ns); }

    Engine& engine() { return engine_; }
    SimulatedRun result() const {
        SimulatedRun out;
        out.troubles = troubles_;
        out.digest = digest_;
        for (const RuleView& r : engine_.view(name_).rules)
            out.rules.push_back({r.name, r.counts.anchored, r.counts.met, r.counts.late, r.counts.missed,
                                 r.counts.pending, r.counts.cancelled});
        return out;
    }

  private:
    void take(const Finding& f) {
        if (f.workflow != name_) return;  // a source that lags
        digest_ = IdentityHasher::mix(digest_, XXH3_64bits(f.rule.data(), f.rule.size()));
        for (const uint64_t part : {static_cast<uint64_t>(f.kind), f.key.lo, f.key.hi,
                                    static_cast<uint64_t>(f.deadline_ns), static_cast<uint64_t>(f.at_ns)})
            digest_ = IdentityHasher::mix(digest_, part);
        if (is_trouble(f.kind)) {
            ++troubles_;
            differences_.found(f, candidate_);
        }
        if (is_of_asked_key(f) && findings_.size() < SimulationService::kShownMax)
            findings_.push_back(
                {candidate_, name_of(f.kind), std::string(f.rule), f.deadline_ns, f.at_ns, f.cause_seq});
    }
    /// Keys are hashed by their subject, or by what the workflow selects, unkeyed.
    bool is_of_asked_key(const Finding& f) const {
        if (request_.key.empty() || f.tenant != request_.tenant) return false;
        return f.key == subject_key_ || f.key == selected_key_ || f.key_text == request_.key;
    }

    Engine engine_;
    Workflow workflow_;  ///< until it begins
    std::string name_;
    const bool candidate_;
    const SimulationRequest& request_;
    Hash128 subject_key_, selected_key_;
    SimulationDifferences& differences_;
    std::vector<SimulatedFinding>& findings_;
    uint64_t troubles_ = 0, digest_ = 0;
};

SimulationRuns::SimulationRuns(const SimulationRequest& request, const Engine::Options& engine,
                               const std::vector<uint8_t>& hash_secret,
                               const std::vector<std::string>& tenants, SimulationView& out)
    : out_(out) {
    const auto add = [&](const std::string& document, bool candidate) {
        runs_.push_back(std::make_unique<Run>(document, candidate, engine, request, hash_secret, tenants,
                                              differences_, out.findings));
    };
    add(request.candidate, true);
    if (!request.baseline.empty()) add(request.baseline, false);
}

SimulationRuns::~SimulationRuns() = default;

void SimulationRuns::take(const EventHead& head, std::span<const uint8_t> bytes, Seq seq,
                          StampNs received_ns) {
    begin(received_ns);
    if (out_.first_ns == 0) out_.first_ns = received_ns;
    ++out_.events;
    for (const auto& run : runs_) run->engine().on_event(head, bytes, seq, received_ns);
}

void SimulationRuns::begin(StampNs now_ns) {
    if (std::exchange(begun_, true)) return;
    for (const auto& run : runs_) run->begin(now_ns);
}

void SimulationRuns::watermark(const fb::Control& control, StampNs now_ns, Seq seq) {
    begin(now_ns);
    for (const auto& run : runs_) run->engine().control(control, now_ns, seq);
}

void SimulationRuns::advance(StampNs now_ns, Seq seq) {
    begin(now_ns);
    for (const auto& run : runs_) run->engine().advance(now_ns, seq);
}

void SimulationRuns::tell(const std::function<std::string(Seq anchor)>& key_text_of) {
    out_.candidate = runs_[0]->result();
    if (runs_.size() > 1) out_.baseline = runs_[1]->result();
    differences_.tell(out_, key_text_of);
}

}  // namespace penstock
