// The engine's rows: what a checkpoint holds, and what a start makes of it.
#include <algorithm>
#include <limits>
#include <tuple>

#include "stages/sla/engine.h"
#include "stages/sla/running.h"

namespace penstock {

using Phase = EdgeState::Phase;

// --- state ------------------------------------------------------------------------------------------------
// Rows:  S 0              totals
//        S 1 workflow     next to the document its counts
//        S 2 workflow key an instance
//        S 3 producer     S 4: the observer's

void Engine::begin_save(Checkpoint& out) {
    saving_ = &out;
    RowWriter key, value;
    const auto start = [&](uint8_t table) {
        key.clear(), value.clear();
        key.key_u8('S').key_u8(table);
    };
    for (const uint32_t id : std::exchange(retired_unsaved_, {})) {
        start(1);
        out.erase(key.key_u32(id).bytes());
    }
    for (const auto& r : running_) {
        if (!r || !std::exchange(r->header_dirty, false)) continue;
        start(1);
        key.key_u32(r->id);
        value.text(r->workflow.document);
        for (const auto& c : r->counts)
            value.value(c.anchored).value(c.met).value(c.late).value(c.missed).value(c.pending);
        for (const auto& c : r->counts) value.value(c.cancelled);
        value.value(r->condition_errors);
        out.put(key.bytes(), value.bytes());
        r->unsaved.swap(r->changed);
        ++r->interval;
    }
    gone_unsaved_.swap(gone_);
    observer_.save(out);
    if (std::exchange(totals_dirty_, false)) {
        start(0);
        out.put(
            key.bytes(),
            value.value(fired_).value(retracted_).value(evicted_).value(uint64_t{running_.size()}).bytes());
    }
}

bool Engine::save_some(size_t rows) {
    if (!saving_) return false;
    for (; rows > 0 && !gone_unsaved_.empty(); --rows) {
        const auto& [workflow, key] = gone_unsaved_.back();
        RowWriter row;
        saving_->erase(row.key_u8('S').key_u8(2).key_u32(workflow).value(key).bytes());
        gone_unsaved_.pop_back();
    }
    for (const auto& r : running_) {
        if (!r) continue;
        for (; rows > 0 && !r->unsaved.empty(); --rows) {
            const uint32_t i = r->unsaved.back();
            r->unsaved.pop_back();
            // Else it has been saved before a later change, or has gone.
            if (r->pool.at(i).changed_in == r->interval - 1) save_instance(*r, i);
        }
        if (rows == 0) return true;
    }
    if (rows == 0) return true;
    saving_ = nullptr;
    return false;
}

void Engine::save_instance(Running& r, uint32_t i) {
    Instance& instance = r.pool.at(i);
    instance.changed_in = 0;
    key_row_.clear(), value_row_.clear();
    key_row_.key_u8('S').key_u8(2).key_u32(r.id).value(instance.key);
    value_row_.value(instance.last_stamp_ns);
    for (uint32_t e = 0; e < r.pool.edge_count(); ++e) {
        const EdgeState& state = r.pool.edge(i, e);
        value_row_.value(state.deadline_ns).value(state.anchor_seq).value(state.phase);
    }
    value_row_.value(instance.tenant);
    saving_->put(key_row_.bytes(), value_row_.bytes());
}

void Engine::before_change(Running& r, uint32_t i) {
    r.header_dirty = true;  // the counts change with it
    Instance& instance = r.pool.at(i);
    if (instance.changed_in == r.interval) return;
    if (instance.changed_in != 0) save_instance(r, i);  // as it was at the cut
    instance.changed_in = r.interval;
    r.changed.push_back(i);
}

void Engine::load_row(std::span<const uint8_t> key_bytes, std::span<const uint8_t> value_bytes) {
    RowReader key(key_bytes), value(value_bytes);
    key.key_u8();
    switch (key.key_u8()) {
        case 0:
            fired_ = value.value<uint64_t>();
            retracted_ = value.value<uint64_t>();
            evicted_ = value.value<uint64_t>();
            running_.resize(value.value<uint64_t>());  // a number is never given twice
            return;
        case 1: {
            const uint32_t id = key.key_u32();
            auto r = std::make_unique<Running>(id, parse_workflow(value.text()));
            for (auto& c : r->counts)
                for (uint64_t* field : {&c.anchored, &c.met, &c.late, &c.missed, &c.pending})
                    *field = value.value<uint64_t>();
            // Rows of the first version end here.
            for (auto& c : r->counts) c.cancelled = value.value<uint64_t>();
            r->condition_errors = value.value<uint64_t>();
            r->header_dirty = false;
            if (running_.size() <= id) running_.resize(id + 1);
            running_[id] = std::move(r);
            return;
        }
        case 2: {
            Running* r = running(key.key_u32());
            if (!r) return;
            const uint32_t i = r->pool.add(key.value<Hash128>(), 0);
            r->pool.at(i).last_stamp_ns = value.value<StampNs>();
            for (uint32_t e = 0; e < r->pool.edge_count(); ++e) {
                EdgeState& state = r->pool.edge(i, e);
                state.deadline_ns = value.value<StampNs>();
                state.anchor_seq = value.value<Seq>();
                state.phase = value.value<Phase>();
            }
            r->pool.at(i).tenant = value.value<uint16_t>();  // rows of the first version have none
            return;
        }
        case Observer::kProducerTable: {
            const auto name = key_bytes.subspan(2);
            return observer_.load_producer({reinterpret_cast<const char*>(name.data()), name.size()},
                                           value.value<uint8_t>());
        }
        case Observer::kGapsTable:
            return observer_.load_gaps(value);
        default:
            return;
    }
}

void Engine::loaded(StampNs) {
    // Timers are not stored: they follow from the edges that are armed, in the order in which they were armed
    // (one event arms by workflow and edge), so that equal deadlines fire as they would have.
    struct Armed {
        Seq anchor_seq;
        uint32_t workflow, edge, instance;
    };
    std::vector<Armed> armed;
    for (const auto& r : running_) {
        if (!r) continue;
        r->pool.for_each([&](uint32_t i) {
            for (uint32_t e = 0; e < r->pool.edge_count(); ++e) {
                const EdgeState& state = r->pool.edge(i, e);
                if (state.phase == Phase::kArmed) armed.push_back({state.anchor_seq, r->id, e, i});
            }
            retain_or_evict(*r, i, std::numeric_limits<StampNs>::min());
        });
    }
    std::sort(armed.begin(), armed.end(), [](const Armed& a, const Armed& b) {
        return std::tie(a.anchor_seq, a.workflow, a.edge) < std::tie(b.anchor_seq, b.workflow, b.edge);
    });
    for (const Armed& a : armed) {
        EdgeState& state = running_[a.workflow]->pool.edge(a.instance, a.edge);
        state.timer = wheel_.arm(state.deadline_ns, {a.workflow, a.instance, a.edge});
    }
    index_roles();
}

}  // namespace penstock
