// Who speaks on a connection, and how it ends.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/json.hpp>

#include "pipeline/api_key.h"
#include "pipeline/rfc3339.h"
#include "stages/ingest/ingest.h"

namespace penstock {

namespace json = boost::json;

void Ingest::hello(Connection& c, std::string_view text) {
    boost::system::error_code error;
    const json::value root = json::parse(text, error);
    if (error || !root.is_object()) return fail(c, Refusal::kBadJson, "the hello is not a JSON object");
    const json::object& o = root.get_object();
    const auto string_member = [&](std::string_view name, std::string& out) {
        const json::value* v = o.if_contains(name);
        if (!v) return true;
        if (!v->is_string() || v->get_string().size() > limits::kAttributeBytesMax) {
            fail(c, Refusal::kWrongType,
                 fmt::format("hello: {} is not a string of at most {} bytes", name,
                             limits::kAttributeBytesMax));
            return false;
        }
        out = std::string(v->get_string());
        return true;
    };
    for (const auto& member : o) {
        static constexpr std::string_view kKnown[] = {"penstock", "tenant", "key",
                                                      "producer", "epoch",  "backfill"};
        if (std::find(std::begin(kKnown), std::end(kKnown), std::string_view(member.key())) ==
            std::end(kKnown))
            return fail(
                c, Refusal::kBadValue,
                fmt::format("hello: '{}' is not known; known are tenant, key, producer, epoch, backfill",
                            std::string_view(member.key())));
    }
    std::string tenant = options_.tenants.front().name, key, producer;
    if (!string_member("tenant", tenant) || !string_member("key", key) ||
        !string_member("producer", producer))
        return;
    uint64_t epoch = 0;
    if (const json::value* v = o.if_contains("epoch")) {
        if (!v->is_int64() || v->get_int64() < 1)
            return fail(c, Refusal::kBadValue, "hello: epoch is not a positive integer");
        epoch = static_cast<uint64_t>(v->get_int64());
    }
    if (const json::value* v = o.if_contains("backfill")) {
        if (!v->is_bool()) return fail(c, Refusal::kWrongType, "hello: backfill is not true or false");
        c.backfill = v->get_bool();
    }

    const auto flow = std::find_if(tenants_.begin(), tenants_.end(),
                                   [&](const TenantFlow& t) { return t.facts.name == tenant; });
    // One answer for both, so that names cannot be found out by trying.
    static constexpr std::string_view kUnknown = "the tenant is not configured or the key is not its own";
    if (flow == tenants_.end() || tenant.empty())
        return fail(c, Refusal::kUnknownTenant, std::string(kUnknown));
    const Tenant& known = flow->facts;
    if (known.key_hash.empty() && known.enabled) {
        if (!c.loopback)
            return fail(c, Refusal::kUnknownTenant,
                        fmt::format("tenant {} has no key and is served on loopback only", tenant));
    } else {
        if (api_key_matches(key, known.key_hash)) c.key_hash = known.key_hash;
        for (const std::string& other : known.other_keys)
            if (api_key_matches(key, other)) c.key_hash = other;
        if (c.key_hash.empty()) return fail(c, Refusal::kBadKey, std::string(kUnknown));
    }
    c.tenant = known.id;
    if (!known.enabled) return drop_unwelcome(c);
    c.introduced = true;
    if (!producer.empty()) {
        process();  // what an older connection of this producer sent counts first
        c.producer = hasher_.producer(c.tenant, producer);
        const auto opening = producers_.open(c.producer, epoch, c.id);
        if (opening.result == ProducerTable::Opened::kFenced)
            return fail(c, Refusal::kFenced,
                        fmt::format("producer {} is at epoch {} already", producer, opening.producer->epoch));
        c.producer_name = producer;
        c.epoch = opening.producer->epoch;
        c.next_position = c.next_new = opening.producer->next_seq;
        c.counted.seq = c.acked.seq = c.next_new - 1;
        if (Connection* older = find(opening.superseded))
            fail(*older, Refusal::kFenced, "another connection speaks for this producer now");
        else
            note_presence(ControlKind::kProducerConnected, c);
    }
    loop_->send(c.id, answers::welcome(c.format, options_.log_id, tenant, c.epoch, c.next_position,
                                       options_.credits_bytes));
    join_tenant(c);
}

/// Who is connected is in the log, so that a start knows for whom its deadlines wait. What a stop closes was
/// connected at the stop.
void Ingest::note_presence(ControlKind kind, const Connection& c) {
    if (!stopping_) sink_.control(kind, c.producer_name, tenants_[c.tenant].facts.name);
}

void Ingest::note_gone(const Connection& c) {
    if (c.counted_unnamed ? --tenants_[c.tenant].unnamed_senders == 0
                          : !c.producer_name.empty() && producers_.closed(c.producer, c.id))
        note_presence(ControlKind::kProducerDisconnected, c);
}

void Ingest::drop_unwelcome(Connection& c) {
    const Tenant& t = tenants_[c.tenant].facts;
    if (!t.enabled) return fail(c, Refusal::kUnknownTenant, fmt::format("tenant {} is disabled", t.name));
    if (c.key_hash != t.key_hash &&
        std::find(t.other_keys.begin(), t.other_keys.end(), c.key_hash) == t.other_keys.end())
        fail(c, Refusal::kBadKey, fmt::format("this key of tenant {} was revoked", t.name));
}

bool Ingest::introduce_anonymous(Connection& c) {
    if (!c.loopback || !options_.tenants.front().key_hash.empty()) {
        fail(c, Refusal::kUnknownTenant,
             "send a hello with tenant and key first: only loopback is served without");
        return false;
    }
    c.tenant = options_.tenants.front().id;
    c.introduced = true;
    join_tenant(c);
    return true;
}

void Ingest::watermark(Connection& c, std::string_view text) {
    boost::system::error_code error;
    const json::value root = json::parse(text, error);
    const json::value* source =
        !error && root.is_object() ? root.get_object().if_contains("source") : nullptr;
    const json::value* time = !error && root.is_object() ? root.get_object().if_contains("time") : nullptr;
    if (!source || !source->is_string() || !time || !time->is_string() ||
        !parse_rfc3339(std::string_view(time->get_string())))
        return fail(c, Refusal::kBadValue, "a watermark has source, a string, and time, an RFC 3339 instant");
    if (source->get_string().size() > limits::kAttributeBytesMax ||
        time->get_string().size() > limits::kNameBytesMax)
        return fail(c, Refusal::kTooLong,
                    fmt::format("a watermark's source has at most {} bytes, its time {}",
                                limits::kAttributeBytesMax, limits::kNameBytesMax));
    process();
    sink_.control(
        ControlKind::kWatermark, std::string_view(source->get_string()),
        fmt::format(R"({{"tenant":{},"time":"{}"}})", c.tenant, std::string_view(time->get_string())));
}

void Ingest::fail(Connection& c, Refusal cause, const std::string& detail) {
    if (c.failing) return;
    process();  // what came before the fault counts
    spdlog::info("ingest: {} is closed: {}: {}", c.peer, info(cause).name, detail);
    telemetry_.connections_refused.add();
    c.failing = true;
    c.ended = true;
    loop_->set_reading(c.id, false);
    c.error = answers::error(c.format, cause, detail);  // goes out behind the answers that are owed
    touch(c);
}

namespace {
bool whole_json(std::span<const uint8_t> line) {
    boost::system::error_code error;
    json::parse_options options;
    options.max_depth = 2 * limits::kJsonDepthMax;
    json::parse({reinterpret_cast<const char*>(line.data()), line.size()}, error, {}, options);
    return !error;
}
}  // namespace

void Ingest::end_of_stream(Connection& c) {
    if (c.ended) return;
    c.ended = true;
    // What a named producer could not finish is no event yet: it says it again after its next welcome. To
    // count it as refused would use up its sequence, and the whole event would be taken for a repetition.
    if (!c.producer_name.empty() && (c.discarding || c.format == WireFormat::kBinary || !whole_json(c.carry)))
        c.carry.clear(), c.discarding = false;
    if (c.format == WireFormat::kNdjson && c.discarding) discard_line(c, {}, true);
    if (c.format == WireFormat::kNdjson && !c.carry.empty()) {
        // A last line without its newline is still a line.
        const auto line = keep_for_round(std::exchange(c.carry, {}));
        take_line(c, line);
    } else if (!c.carry.empty()) {
        DeadLetter letter = letter_for(c, c.next_new);
        letter.set_raw(c.carry);
        c.carry.clear();
        refuse_whole(c, c.next_new++, 1, Refusal::kTruncated,
                     "the connection ended inside a frame; send it again", std::move(letter));
    }
    touch(c);
}

void Ingest::check_timeouts(int64_t now_ns) {
    if (!reading_) return;  // silence is of our making
    std::vector<ConnectionId> idle;
    for (auto& [id, c] : connections_) {
        if (c->answers_untaken || c->rate_limited)
            c->last_read_ns = c->inside_since_ns = now_ns;  // its silence is of our making
        // A line that comes a byte at a time is no less of a stall than one that does not come at all.
        const bool stalls = c->inside() && now_ns - c->inside_since_ns > options_.stall_timeout_ns;
        if (stalls || now_ns - c->last_read_ns > options_.idle_timeout_ns) idle.push_back(id);
    }
    for (const ConnectionId id : idle) {
        telemetry_.connections_timed_out.add();
        Connection* c = find(id);
        if (c && !c->carry.empty() && !c->ended && c->producer_name.empty()) {
            DeadLetter letter = letter_for(*c, c->next_new);
            letter.set_raw(c->carry);
            c->carry.clear();
            refuse_whole(*c, c->next_new++, 1, Refusal::kTruncated,
                         "the rest of the event did not come in time", std::move(letter));
        }
        loop_->close_now(id, "idle");
    }
}

}  // namespace penstock
