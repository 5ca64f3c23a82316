// Rules on the clock: made for each tenant, handed the events that they watch, advanced when they are due.
#include <algorithm>

#include "pipeline/expression/event_variables.h"
#include "stages/sla/engine.h"
#include "stages/sla/running.h"

namespace penstock {

namespace {

constexpr uint8_t kTable = 5;
constexpr uint16_t kDefaultTenant = 0;
enum : uint8_t { kItself = 0, kItsRow = 1 };

RowWriter row_key(uint32_t id, uint32_t rule, uint16_t tenant, uint8_t what) {
    RowWriter key;
    key.key_u8('S').key_u8(kTable).key_u32(id).key_u32(rule).key_u32(tenant).key_u8(what);
    return key;
}

class CheckpointRows final : public Watcher::Rows {
  public:
    CheckpointRows(Checkpoint& out, uint32_t id, uint32_t rule, uint16_t tenant)
        : out_(out), prefix_(row_key(id, rule, tenant, kItsRow)) {}
    void put(std::span<const uint8_t> key, std::span<const uint8_t> value) override {
        out_.put(whole(key).bytes(), value);
    }
    void erase(std::span<const uint8_t> key) override { out_.erase(whole(key).bytes()); }

  private:
    RowWriter whole(std::span<const uint8_t> key) const {
        RowWriter row = prefix_;
        row.raw(key.data(), key.size());
        return row;
    }
    Checkpoint& out_;
    const RowWriter prefix_;
};

}  // namespace

std::optional<uint16_t> Engine::tenant_of(const Workflow& workflow) const {
    const auto it = std::find(tenants_.begin(), tenants_.end(), workflow.tenant);
    if (it == tenants_.end()) return std::nullopt;
    return static_cast<uint16_t>(it - tenants_.begin());
}

void Engine::begin_watches(Running& r, StampNs now_ns) {
    // What is expected of a tenant that has sent nothing yet: of the workflow's own, or of the default one.
    const uint16_t tenant =
        r.workflow.tenant.empty() ? kDefaultTenant : tenant_of(r.workflow).value_or(kDefaultTenant);
    for (uint32_t rule = 0; rule < r.workflow.watches.size(); ++rule)
        arm_watch(r, watching_of(r, rule, tenant, true, now_ns));
}

uint32_t Engine::watching_of(Running& r, uint32_t rule, uint16_t tenant, bool start, StampNs now_ns) {
    for (uint32_t place = 0; place < r.watching.size(); ++place)
        if (r.watching[place].rule == rule && r.watching[place].tenant == tenant) return place;
    const auto place = static_cast<uint32_t>(r.watching.size());
    r.watching.push_back({rule, tenant, r.workflow.watches[rule].make(tenant)});
    Watcher& watcher = *r.watching.back().watcher;
    watcher.on_trouble = [this, id = r.id, place](const Watcher::Trouble& t) { tell_watch(id, place, t); };
    if (start) watcher.start(now_ns);
    return place;
}

void Engine::watch(const EventHead& head, const fb::Event& event, Seq seq, StampNs now_ns) {
    const auto it = watch_roles_.find(head.type_hash);
    if (it == watch_roles_.end()) return;
    EventVariables variables(event, head.time_ns, now_ns);
    for (const Role& role : it->second) {
        Running& r = *running_[role.workflow];
        const WatchRule& rule = r.workflow.watches[role.stage].rule;
        if (rule.type != view_of(event.type())) continue;  // another type of the same hash
        if (!r.workflow.tenant.empty() && tenant_of(r.workflow) != head.tenant) continue;
        if (rule.when) {
            const Value holds = rule.when->test(variables);
            if (holds.is_error()) ++r.condition_errors, r.header_dirty = true;
            if (!holds.is_true()) continue;
        }
        const uint32_t place = watching_of(r, role.stage, head.tenant, true, now_ns);
        r.watching[place].watcher->on_event({head, event, seq, now_ns});
        arm_watch(r, place);
    }
}

void Engine::arm_watch(Running& r, uint32_t place) {
    Running::Watching& w = r.watching[place];
    TimerWheel<Timer>& wheel = clocks_[kLiveClock]->wheel;
    if (w.timer != kNoTimer) wheel.cancel(w.timer);
    w.timer = kNoTimer;
    const StampNs due_ns = w.watcher->due_ns();
    if (due_ns != TimerWheel<Timer>::kNever) w.timer = wheel.arm(due_ns, {r.id, place, Timer::kWatch}, place);
}

void Engine::fire_watch(Running& r, uint32_t place, StampNs now_ns, Seq cause_seq) {
    Running::Watching& w = r.watching[place];
    w.timer = kNoTimer;
    w.watcher->advance(now_ns, cause_seq);
    arm_watch(r, place);
}

void Engine::end_watches(Running& r, StampNs now_ns, Seq cause_seq) {
    for (Running::Watching& w : r.watching) {
        if (w.timer != kNoTimer) clocks_[kLiveClock]->wheel.cancel(w.timer);
        w.watcher->end(now_ns, cause_seq);
        w.watcher->on_trouble = nullptr;
        watchers_ended_.emplace_back(r.id, w.rule, w.tenant, std::move(w.watcher));
    }
    r.watching.clear();
}

void Engine::tell_watch(uint32_t running_id, uint32_t place, const Watcher::Trouble& trouble) {
    const Running& r = *running_[running_id];
    const Running::Watching& w = r.watching[place];
    if (r.state == VersionState::kShadow || !on_finding) return;
    const WatchRule& rule = w.watcher->rule();
    if (trouble.kind == Finding::Kind::kMissed && not_expected &&
        not_expected(w.tenant, r.workflow.name, rule.name, trouble.group, trouble.deadline_ns))
        return;
    Finding f{};
    f.kind = trouble.kind;
    f.severity = rule.severity;
    f.tenant = w.tenant;
    f.workflow = r.workflow.name;
    f.rule = rule.name;
    f.key = trouble.key;
    f.anchor_seq = trouble.anchor_seq;
    f.cause_seq = trouble.cause_seq;
    f.deadline_ns = trouble.deadline_ns;
    f.at_ns = trouble.at_ns;
    f.group = trouble.group;
    f.key_text = trouble.key_text;
    f.runbook = rule.runbook;
    f.escalation = rule.escalation;
    on_finding(f);
}

// --- rows -------------------------------------------------------------------------------------------------

void Engine::save_watches(Checkpoint& out) {
    for (auto& [id, rule, tenant, watcher] : watchers_ended_) {
        out.erase(row_key(id, rule, tenant, kItself).bytes());
        CheckpointRows rows(out, id, rule, tenant);
        watcher->save(rows);
    }
    watchers_ended_.clear();
    for (const auto& r : running_)
        for (size_t place = 0; r && place < r->watching.size(); ++place) {
            Running::Watching& w = r->watching[place];
            if (!w.saved) out.put(row_key(r->id, w.rule, w.tenant, kItself).bytes(), {});
            w.saved = true;
            CheckpointRows rows(out, r->id, w.rule, w.tenant);
            w.watcher->save(rows);
        }
}

void Engine::load_watch(RowReader& key, std::span<const uint8_t> key_bytes, std::span<const uint8_t> value) {
    Running* r = running(key.key_u32());
    const uint32_t rule = key.key_u32();
    const auto tenant = static_cast<uint16_t>(key.key_u32());
    const uint8_t what = key.key_u8();
    if (!r || rule >= r->workflow.watches.size()) return;
    Running::Watching& w = r->watching[watching_of(*r, rule, tenant, false, 0)];
    w.saved = true;
    if (what == kItsRow) w.watcher->load(key_bytes.subspan(2 + 3 * sizeof(uint32_t) + 1), value);
}

}  // namespace penstock
