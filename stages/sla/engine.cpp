// Records and time: what comes in, and whose clock judges it.
#include "stages/sla/engine.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <boost/json.hpp>
#include <optional>

#include "pipeline/expression/event_variables.h"
#include "pipeline/prefetch.h"
#include "pipeline/rfc3339.h"
#include "stages/sla/key_selector.h"
#include "stages/sla/running.h"

namespace penstock {

namespace json = boost::json;

namespace {

/// Events, and checks of cases, whose memory is asked for together (SegmentedMap::prefetch tells why).
constexpr size_t kGroup = 32;
constexpr size_t kTimersAhead = 4;  // of one case, which may be disarmed
constexpr size_t kClocksMax = 1'000;
constexpr std::string_view kSourcesWorkflow = "sources", kLagRule = "lag";

int64_t number_in(const json::object& o, std::string_view name, int64_t otherwise) {
    const json::value* v = o.if_contains(name);
    return v && v->is_int64() ? v->get_int64() : otherwise;
}
std::string_view text_in(const json::object& o, std::string_view name) {
    const json::value* v = o.if_contains(name);
    return v && v->is_string() ? std::string_view(v->get_string()) : std::string_view();
}
bool flag_in(const json::object& o, std::string_view name) {
    const json::value* v = o.if_contains(name);
    return v && v->is_bool() && v->get_bool();
}

}  // namespace

Engine::Engine(Options options) : options_(options) {
    clocks_.push_back(std::make_unique<SourceClock>());
    clocks_[kLiveClock]->dirty = false;  // an engine that has seen nothing has no rows
}
Engine::~Engine() = default;

uint32_t Engine::running_by_key(const EventHead& head) const {
    const auto it = roles_.find(head.type_hash);
    if (it == roles_.end()) return kNotRunning;
    const uint32_t id = it->second.front().workflow;
    return running_[id]->workflow.key.kind == KeySelector::Kind::kSubject ? id : kNotRunning;
}

/// Asks for what an event will read of its case, so that it is there when its turn comes: of millions of
/// cases hardly any is in the cache, and what one read leads to is known after it only.
void Engine::prefetch_case(Soon& soon, const Hash128& key, size_t step) const {
    const Running* r = running(soon.workflow);
    if (!r) return;
    constexpr size_t kIndex = InstancePool::kPrefetchSteps;
    if (step < kIndex) return r->pool.prefetch(key, step);
    if (step == kIndex) soon.instance = r->pool.likely(key);
    if (soon.instance == InstancePool::kNone) return;
    if (step == kIndex) return r->pool.prefetch(soon.instance);
    if (step == kIndex + 1) return r->pool.prefetch_record(soon.instance);
    const Instance& instance = r->pool.at(soon.instance);
    const auto obligations = instance.record.obligations();
    for (const Obligation& o : obligations.first(std::min(obligations.size(), kTimersAhead))) {
        if (o.timer == kNoTimer) continue;
        const TimerWheel<Timer>& wheel = clocks_[instance.clock]->wheel;
        if (step == kIndex + 2) wheel.prefetch(o.timer);
        if (step == kIndex + 3) wheel.prefetch_place(o.timer);
    }
}

void Engine::apply_events(const RecordView& record) {
    constexpr size_t kSteps = InstancePool::kPrefetchSteps + 4;
    std::array<Soon, kGroup> soon;
    const size_t count = record.count();
    for (size_t begin = 0; begin < count; begin += kGroup) {
        const size_t end = std::min(begin + kGroup, count);
        for (size_t i = begin; i < end; ++i) {
            soon[i - begin] = {running_by_key(record.heads[i]), InstancePool::kNone};
            if (record.opener) continue;
            const uint8_t* bytes = record.heap.data() + record.heads[i].offset;
            prefetch_line(bytes);
            prefetch_line(bytes + 64);
        }
        for (size_t step = 0; step < kSteps; ++step)
            for (size_t i = begin; i < end; ++i) prefetch_case(soon[i - begin], record.heads[i].key, step);
        for (size_t i = begin; i < end; ++i)
            on_event(record.heads[i], record.bytes(i), record.first_seq() + i, record.stamp(i));
    }
}

void Engine::apply(const RecordView& record) {
    switch (record.header->kind) {
        case RecordKind::kEvents:
            return apply_events(record);
        case RecordKind::kDeadLetters:
            return advance(record.last_stamp(), record.first_seq());
        case RecordKind::kControl:
            return control(*flatbuffers::GetRoot<fb::Control>(record.bytes(0).data()), record.last_stamp(),
                           record.first_seq());
    }
}

void Engine::control(const fb::Control& control, StampNs now_ns, Seq seq) {
    const std::string_view name = view_of(control.name()), text = view_of(control.text());
    const auto kind = static_cast<ControlKind>(control.kind());
    const auto producer = [&] { return fmt::format("{}/{}", text, name); };
    if (kind == ControlKind::kBoot) boot(text, now_ns);
    if (kind == ControlKind::kProducerConnected) observer_.connected(producer());
    if (kind == ControlKind::kProducerDisconnected) observer_.disconnected(producer());
    if (kind == ControlKind::kCaughtUp) observer_.caught_up(producer(), now_ns);
    advance(now_ns, seq);
    if (kind == ControlKind::kWorkflow) {
        try {
            define(parse_workflow(text), now_ns, seq);
        } catch (const WorkflowError&) {  // what an older version took: kept, with its faults
            add_version(name, text, VersionState::kDraft, false, By{}, now_ns, seq);
        }
    }
    if (kind == ControlKind::kWorkflowRetired) retire(name, now_ns, seq);
    if (kind != ControlKind::kWatermark && kind != ControlKind::kWorkflowVersion &&
        kind != ControlKind::kTenantSet)
        return;

    boost::system::error_code error;
    const json::value parsed = json::parse(text, error);
    const json::object* o = error ? nullptr : parsed.if_object();
    if (!o) return;
    if (kind == ControlKind::kWatermark) {
        if (const auto time_ns = parse_rfc3339(text_in(*o, "time")))
            watermark(static_cast<uint16_t>(number_in(*o, "tenant", 0)), name, *time_ns, now_ns, seq);
        return;
    }
    const std::string_view action = text_in(*o, "action");
    if (kind == ControlKind::kTenantSet) {
        if (action == "add") name_tenant(name, number_in(*o, "id", -1));
        return;
    }
    const By by{text_in(*o, "by"), text_in(*o, "note")};
    const auto number = static_cast<uint32_t>(number_in(*o, "version", 0));
    const VersionState to = action == "shadow"     ? VersionState::kShadow
                            : action == "activate" ? VersionState::kActive
                            : action == "draft"    ? VersionState::kDraft
                                                   : VersionState::kRetired;
    if (number != 0) {
        if (action == "discard")
            discard(name, number);
        else
            change_version(name, number, to, flag_in(*o, "migrate"), by, now_ns, seq);
        return;
    }
    try {
        add_version(name, text_in(*o, "document"), to, flag_in(*o, "migrate"), by, now_ns, seq);
    } catch (const WorkflowError&) {
        add_version(name, text_in(*o, "document"), VersionState::kDraft, false, by, now_ns, seq);
    }
}

void Engine::boot(std::string_view text, StampNs now_ns) {
    boost::system::error_code error;
    const json::value parsed = json::parse(text, error);
    const json::object empty;
    const json::object& facts = !error && parsed.is_object() ? parsed.get_object() : empty;
    observer_.boot(now_ns, number_in(facts, "last_stamp_ns", 0), number_in(facts, "recovery_hold_ns", 0));
    options_.instance_retention_ns =
        number_in(facts, "instance_retention_ns", options_.instance_retention_ns);
    SourceLimits& limits = options_.sources;
    limits.idle_ns = number_in(facts, "source_idle_ns", limits.idle_ns);
    limits.hold_ns = number_in(facts, "source_hold_ns", limits.hold_ns);
    limits.lag_ns = number_in(facts, "source_lag_ns", limits.lag_ns);
    if (const json::value* tenants = facts.if_contains("tenants"); tenants && tenants->is_array()) {
        std::vector<std::string> names;
        for (const json::value& t : tenants->get_array())
            names.emplace_back(t.is_string() ? std::string_view(t.get_string()) : std::string_view());
        name_tenants(std::move(names));
    }
    totals_dirty_ = true;
}

void Engine::name_tenants(std::vector<std::string> names) {
    tenants_ = std::move(names);
    totals_dirty_ = true;
    index_roles();
}

/// One that was made while it runs: later ids have no name yet, and none is given twice.
void Engine::name_tenant(std::string_view name, int64_t id) {
    if (id < 0 || id >= static_cast<int64_t>(limits::kTenantsMax)) return;
    std::vector<std::string> names = tenants_;
    if (names.size() <= static_cast<size_t>(id)) names.resize(static_cast<size_t>(id) + 1);
    if (!names[static_cast<size_t>(id)].empty()) return;
    names[static_cast<size_t>(id)] = name;
    name_tenants(std::move(names));
}

// --- events -----------------------------------------------------------------------------------------------

void Engine::on_event(const EventHead& head, std::span<const uint8_t> bytes, Seq seq, StampNs now_ns) {
    advance(now_ns, seq);
    uint16_t clock = kLiveClock;
    if (any_watermarks_ || head.flags & kHeadBackfill) clock = clock_of(head, *event_of(bytes), seq, now_ns);
    if (!watch_roles_.empty() && !(head.flags & kHeadBackfill)) watch(head, *event_of(bytes), seq, now_ns);
    const auto it = roles_.find(head.type_hash);
    if (it == roles_.end()) return;
    const fb::Event& event = *event_of(bytes);
    std::unique_ptr<EventVariables> variables;  // large, and most events need none
    const auto& roles = it->second;
    for (size_t i = 0; i < roles.size();) {
        Running& r = *running_[roles[i].workflow];
        reached_.clear();
        for (; i < roles.size() && roles[i].workflow == r.id; ++i) {
            const WorkflowStage& stage = r.workflow.stages[roles[i].stage];
            if (stage.type != view_of(event.type())) continue;  // another type of the same hash
            if (!r.workflow.tenant.empty() && tenant_of(r.workflow) != head.tenant) continue;
            if (stage.when) {
                if (!variables) variables = std::make_unique<EventVariables>(event, head.time_ns, now_ns);
                const Value holds = stage.when->test(*variables);
                if (holds.is_error()) ++r.condition_errors, r.header_dirty = true;
                if (!holds.is_true()) continue;
            }
            reached_.push_back(static_cast<uint16_t>(roles[i].stage));
        }
        Hash128 key;
        if (!reached_.empty() && key_of(r, head, bytes, key) && !is_drained_elsewhere(r, key))
            reach(r, key, head, event, seq, clock, now_ns);
    }
    if (any_drains_) end_drained(now_ns, seq);
}

bool Engine::key_of(const Running& r, const EventHead& head, std::span<const uint8_t> bytes,
                    Hash128& out) const {
    if (r.workflow.key.kind == KeySelector::Kind::kSubject) {
        out = head.key;
        return out != Hash128{};
    }
    return select_key(r.workflow.key, *event_of(bytes), head.tenant, out);
}

bool Engine::is_drained_elsewhere(const Running& r, const Hash128& key) const {
    if (r.state == VersionState::kDraining) return running_[r.id]->pool.find(key) == InstancePool::kNone;
    for (const uint32_t id : r.drains)
        if (Running* before = running(id); before && before->pool.find(key) != InstancePool::kNone)
            return true;
    return false;
}

void Engine::index_roles() {
    roles_.clear();
    watch_roles_.clear();
    for (const auto& r : running_) {
        if (!r) continue;
        if (r->state != VersionState::kDraining)
            for (uint32_t i = 0; i < r->workflow.watches.size(); ++i)
                watch_roles_[r->workflow.watches[i].rule.type_hash].push_back({r->id, i});
        for (uint32_t i = 0; i < r->workflow.stages.size(); ++i)
            if (!r->workflow.stages[i].type.empty())
                roles_[r->workflow.stages[i].type_hash].push_back({r->id, i});
    }
}

// --- clocks -----------------------------------------------------------------------------------------------

Hash128 Engine::clock_id(SourceClock::Kind kind, uint16_t tenant, std::string_view source) {
    const XXH128_hash_t h = XXH3_128bits_withSeed(source.data(), source.size(),
                                                  uint64_t{tenant} << 8 | static_cast<uint8_t>(kind));
    return {h.low64, h.high64};
}

SourceClock& Engine::add_clock(SourceClock::Kind kind, uint16_t tenant, std::string_view source, Hash128 id) {
    clock_by_id_[id] = static_cast<uint16_t>(clocks_.size());
    clocks_.push_back(std::make_unique<SourceClock>());
    SourceClock& c = *clocks_.back();
    c.kind = kind;
    c.tenant = tenant;
    c.source = source;
    any_watermarks_ |= kind == SourceClock::Kind::kWatermark;
    return c;
}

uint16_t Engine::clock_of(const EventHead& head, const fb::Event& event, Seq seq, StampNs now_ns) {
    const bool backfill = (head.flags & kHeadBackfill) != 0;
    const auto kind = backfill ? SourceClock::Kind::kBackfill : SourceClock::Kind::kWatermark;
    const std::string_view source = view_of(event.source());
    const Hash128 id = clock_id(kind, head.tenant, source);
    auto it = clock_by_id_.find(id);
    if (it == clock_by_id_.end()) {
        if (!backfill || clocks_.size() >= kClocksMax) return kLiveClock;
        add_clock(kind, head.tenant, source, id);
        it = clock_by_id_.find(id);
    }
    SourceClock& c = *clocks_[it->second];
    c.heard_ns = now_ns;
    c.dirty = true;
    if (backfill) c.watermark_ns = std::max(c.watermark_ns, head.time_ns);
    advance_clock(it->second, now_ns, seq);
    return it->second;
}

void Engine::watermark(uint16_t tenant, std::string_view source, StampNs time_ns, StampNs now_ns,
                       Seq cause_seq) {
    const Hash128 id = clock_id(SourceClock::Kind::kWatermark, tenant, source);
    auto it = clock_by_id_.find(id);
    if (it == clock_by_id_.end()) {
        if (clocks_.size() >= kClocksMax) return;
        add_clock(SourceClock::Kind::kWatermark, tenant, source, id);
        it = clock_by_id_.find(id);
    }
    SourceClock& c = *clocks_[it->second];
    c.watermark_ns = std::max(c.watermark_ns, time_ns);
    c.heard_ns = now_ns;
    c.dirty = true;
    advance_clock(it->second, now_ns, cause_seq);
    judge_lag(c, now_ns, cause_seq);
}

void Engine::advance(StampNs now_ns, Seq cause_seq) {
    now_ns_ = std::max(now_ns_, now_ns);
    if (observer_.holds(now_ns)) return;
    advance_clock(kLiveClock, now_ns, cause_seq);
    if (any_watermarks_)
        for (uint16_t c = 1, end = static_cast<uint16_t>(clocks_.size()); c < end; ++c) {
            if (clocks_[c]->kind != SourceClock::Kind::kWatermark) continue;
            advance_clock(c, now_ns, cause_seq);
            judge_lag(*clocks_[c], now_ns, cause_seq);
        }
    if (any_drains_) end_drained(now_ns, cause_seq);
}

/// Of what goes: it is erased from the index.
void Engine::prefetch_checks(std::span<const Timer> checks) const {
    for (size_t step = 0; step < InstancePool::kPrefetchSteps; ++step)
        for (const Timer& check : checks.first(std::min(checks.size(), kGroup))) {
            const Running* r = running(check.workflow);
            if (!r) continue;
            if (step == 0) r->pool.prefetch_record(check.instance);
            r->pool.prefetch(r->pool.at(check.instance).key, step);
        }
}

void Engine::advance_clock(uint16_t clock, StampNs now_ns, Seq cause_seq) {
    SourceClock& c = *clocks_[clock];
    const StampNs judges_ns = c.judges_ns(now_ns, options_.sources);
    c.wheel.advance(
        judges_ns, [&](const auto& due) { fire(due, judges_ns, cause_seq); },
        [&](const auto& due) {
            const Running* r = running(due.payload.workflow);
            if (r && due.payload.item != Timer::kWatch) r->pool.prefetch(due.payload.instance);
        });
    // After every deadline that has passed: whether an instance goes must not depend on the order of timers.
    for (size_t i = 0; i < checks_.size(); ++i) {
        if (i % kGroup == 0) prefetch_checks(std::span(checks_).subspan(i));
        if (Running* r = running(checks_[i].workflow)) check(*r, checks_[i].instance, judges_ns, cause_seq);
    }
    checks_.clear();
}

void Engine::judge_lag(SourceClock& c, StampNs now_ns, Seq cause_seq) {
    const bool lags = c.watermark_ns != kNoTime && now_ns - options_.sources.lag_ns > c.watermark_ns &&
                      !c.idle(now_ns, options_.sources);
    if (lags == c.lagging) return;
    c.lagging = lags;
    c.dirty = true;
    if (!on_finding) return;
    Finding f{};
    f.kind = lags ? Finding::Kind::kOutOfRange : Finding::Kind::kRecovered;
    f.tenant = c.tenant;
    f.workflow = kSourcesWorkflow;
    f.rule = kLagRule;
    f.key = clock_id(c.kind, c.tenant, c.source);
    f.cause_seq = cause_seq;
    f.deadline_ns = c.watermark_ns + options_.sources.lag_ns;
    f.at_ns = now_ns;
    f.key_text = c.source;
    on_finding(f);
}

StampNs Engine::due_ns() const {
    if (observer_.holding()) return observer_.hold_until_ns();
    StampNs due = clocks_[kLiveClock]->wheel.due_ns();
    for (size_t i = 1; any_watermarks_ && i < clocks_.size(); ++i)
        due = std::min(due, clocks_[i]->judged_at_ns(clocks_[i]->wheel.due_ns(), options_.sources));
    return due;
}

StampNs Engine::next_look_ns() const {
    if (observer_.holding()) return observer_.hold_until_ns();
    StampNs look = clocks_[kLiveClock]->wheel.next_look_ns();
    for (size_t i = 1; any_watermarks_ && i < clocks_.size(); ++i) {
        const SourceClock& c = *clocks_[i];
        look = std::min(look, c.judged_at_ns(c.wheel.next_look_ns(), options_.sources));
    }
    return look;
}

void Engine::tighten(StampNs now_ns) {
    if (observer_.holding()) return;
    clocks_[kLiveClock]->wheel.tighten(now_ns);
    for (size_t i = 1; any_watermarks_ && i < clocks_.size(); ++i)
        if (clocks_[i]->kind == SourceClock::Kind::kWatermark)
            clocks_[i]->wheel.tighten(clocks_[i]->judges_ns(now_ns, options_.sources));
}

}  // namespace penstock
