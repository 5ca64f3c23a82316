// Which connections are read, and what the others are told: the log's room, a tenant's rate, answers that
// nobody takes. What is not read waits at the producer; nothing is dropped.
#include <fmt/format.h>

#include "stages/ingest/ingest.h"

namespace penstock {

namespace {
constexpr int64_t kNoticeIntervalNs = 1'000'000'000;
constexpr int64_t kOverloadedRetryMs = 1'000;
}  // namespace

Ingest::TenantFlow& Ingest::flow_of(const Tenant& tenant) {
    if (tenants_.size() <= tenant.id) tenants_.resize(tenant.id + size_t{1});
    TenantFlow& flow = tenants_[tenant.id];
    flow.bucket = TokenBucket(tenant.rate_limit, tenant.burst);
    return flow;
}

void Ingest::set_tenant(const Tenant& tenant) {
    TenantFlow& flow = flow_of(tenant);
    flow.facts = tenant;
    // A debt belonged to the limit of before.
    if (flow.clear_ns != 0) next_clear_ns_ = flow.clear_ns = clock_.monotonic_ns();
    for (auto& [id, c] : connections_)
        if (c->introduced && c->tenant == tenant.id) drop_unwelcome(*c);
}

bool Ingest::readable(const Connection& c) const {
    return reading_ && !c.answers_untaken && !c.rate_limited && !c.failing && !c.ended;
}

void Ingest::update_reading(Connection& c) { loop_->set_reading(c.id, readable(c)); }

/// Bytes that a receive under way brought after reading had ended, or the first of a new connection: they
/// tell in which format it is to hear why it waits.
void Ingest::hold(Connection& c, std::span<const uint8_t> data) {
    c.held.insert(c.held.end(), data.begin(), data.end());
    update_reading(c);
    if (!reading_ && !stopping_) notice_overloaded(c);
}

/// Before a round's events are processed: what was held goes first.
void Ingest::resume() {
    std::erase_if(paused_, [&](ConnectionId id) {
        Connection* c = find(id);
        if (c && loop_->backlog_bytes(id) > limits::kSendBacklogBytesMax / 2) return false;
        if (c) c->answers_untaken = false, release(*c);
        return true;
    });
    const int64_t now = clock_.monotonic_ns();
    if (next_clear_ns_ == 0 || now < next_clear_ns_) return;
    next_clear_ns_ = 0;
    for (TenantFlow& tenant : tenants_) {
        if (tenant.clear_ns == 0) continue;
        if (tenant.clear_ns > now) {
            next_clear_ns_ =
                next_clear_ns_ == 0 ? tenant.clear_ns : std::min(next_clear_ns_, tenant.clear_ns);
            continue;
        }
        tenant.clear_ns = 0;
        for (auto& [id, c] : connections_)
            if (c->rate_limited && c->tenant == tenant.facts.id) c->rate_limited = false, release(*c);
    }
}

void Ingest::release(Connection& c) {
    if (!readable(c)) return;
    update_reading(c);
    if (c.held.empty()) return;
    if (round_ns_ == 0) round_ns_ = clock_.monotonic_ns();
    read(c, keep_for_round(std::exchange(c.held, {})));
    if (c.ended_after_held) end_of_stream(c);
}

/// After a round: a tenant that is over its rate is not read until its bucket is out of debt.
void Ingest::charge_tenants() {
    for (TenantFlow& tenant : tenants_) {
        if (tenant.uncharged == 0 || !tenant.bucket.limited()) continue;
        const int64_t now = clock_.monotonic_ns();
        tenant.bucket.take(std::exchange(tenant.uncharged, 0), now);
        const int64_t wait_ns = tenant.bucket.ns_until_clear(now);
        if (wait_ns == 0) continue;
        tenant.clear_ns = now + wait_ns;
        next_clear_ns_ = next_clear_ns_ == 0 ? tenant.clear_ns : std::min(next_clear_ns_, tenant.clear_ns);
        telemetry_.rate_limit_pauses.add();
        for (auto& [id, c] : connections_)
            if (c->introduced && c->tenant == tenant.facts.id && !c->failing && !c->ended) limit(*c, now);
    }
}

int64_t Ingest::charge(uint16_t tenant, size_t events) {
    if (tenant >= tenants_.size()) return 0;
    TenantFlow& flow = tenants_[tenant];
    if (!flow.facts.enabled) return kTenantDisabled;
    if (!flow.bucket.limited()) return 0;
    const int64_t wait_ns = flow.bucket.ns_until_clear(clock_.monotonic_ns());
    if (wait_ns == 0) flow.uncharged += events;
    return wait_ns;
}

/// A connection that has just said whose it is.
void Ingest::join_tenant(Connection& c) {
    if (tenants_[c.tenant].clear_ns != 0) limit(c, clock_.monotonic_ns());
}

void Ingest::limit(Connection& c, int64_t now_ns) {
    const TenantFlow& tenant = tenants_[c.tenant];
    c.rate_limited = true;
    update_reading(c);
    notice(c, "rate_limited", (tenant.clear_ns - now_ns + 999'999) / 1'000'000,
           fmt::format("tenant {} has sent more than its {} events/s; reading goes on by itself, nothing is "
                       "lost",
                       tenant.facts.name, tenant.facts.rate_limit));
}

void Ingest::notice(Connection& c, std::string_view kind, int64_t retry_after_ms, const std::string& detail) {
    const int64_t now = clock_.monotonic_ns();
    if (c.format == WireFormat::kUnknown || (c.noticed_ns != 0 && now - c.noticed_ns < kNoticeIntervalNs))
        return;
    c.noticed_ns = now;
    loop_->send(c.id, answers::notice(c.format, kind, retry_after_ms, detail));
}

void Ingest::notice_overloaded(Connection& c) {
    notice(c, "overloaded", kOverloadedRetryMs,
           "the log or the dedup window is full; reading goes on by itself, nothing is lost");
}

void Ingest::apply_backpressure() {
    const bool admit = sink_.admits() && !stopping_;
    if (admit == reading_) return;
    reading_ = admit;
    telemetry_.overloaded.set(!admit && !stopping_);
    if (!admit) telemetry_.backpressure_pauses.add();
    const int64_t now = clock_.monotonic_ns();
    for (auto& [id, c] : connections_) {
        if (admit) {
            c->last_read_ns = c->inside_since_ns = now;  // the silence was of our making
            release(*c);
        } else if (c->format != WireFormat::kUnknown) {  // else its first bytes are awaited
            update_reading(*c);
            if (!stopping_ && !c->failing && !c->ended) notice_overloaded(*c);
        }
    }
}

void Ingest::stop_reading() {
    stopping_ = true;
    apply_backpressure();
}

}  // namespace penstock
