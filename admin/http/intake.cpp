#include "admin/http/intake.h"

#include <fmt/format.h>
#include <sodium.h>

#include <functional>
#include <optional>

#include "admin/http/raw_json.h"
#include "admin/http/request_body.h"
#include "admin/http/text.h"
#include "pipeline/stream_hash.h"
#include "schemas/limits.h"

namespace penstock::http {
namespace {

constexpr int64_t kPatienceNs = 10'000'000'000;

std::string random_id() {
    uint8_t bytes[16];
    randombytes_buf(bytes, sizeof bytes);
    std::string id;
    for (const uint8_t b : bytes) id += fmt::format("{:02x}", b);
    return id;
}

std::string id_for(const Request& request, size_t index) {
    if (request.idempotency_key.empty()) return random_id();
    // The same request under the same key must not be stored twice.
    StreamHash hash;
    hash.add(request.idempotency_key.data(), request.idempotency_key.size()).add(&index, sizeof index);
    return fmt::format("{}-{:016x}", request.idempotency_key.substr(0, 64), hash.digest());
}

/// A name of the short form, {"event_type", "timestamp", "metadata"}, as CloudEvents has it.
std::string_view attribute_of(std::string_view name) {
    return name == "event_type"  ? "type"
           : name == "timestamp" ? "time"
           : name == "metadata"  ? "data"
           : name == "event_id"  ? "id"
                                 : name;
}

/// The event as its producer wrote it: numbers and escapes keep their spelling, so that the same event by TCP
/// is the same. Members of the short form get CloudEvents' names; what it does not know goes along, and is
/// judged like any attribute. `id` is the event's, made where it has none.
std::string cloud_event_of(const std::string& given, const RawObject& event,
                           const std::function<std::string()>& make_id, std::string& id) {
    if (!event.whole) return given;  // refused like any line that is no object
    const bool is_short = !event.find("specversion") && event.find("event_type");
    const RawMember* own_id = event.find("id");
    if (!own_id && is_short) own_id = event.find("event_id");
    id = own_id ? text_of(own_id->value) : make_id();
    if (!is_short && own_id && !event.find("tenant_id")) return given;
    JsonWriter out;
    out.begin_object();
    if (is_short) out.field("specversion", "1.0");
    if (!own_id) out.field("id", id);
    if (is_short && !event.find("source")) out.field("source", "/http");
    for (const RawMember& member : event.members) {
        if (member.name == "tenant_id") continue;
        const std::string_view name = is_short ? attribute_of(member.name) : std::string_view(member.name);
        if (name != member.name && event.find(name)) continue;  // given by both names
        out.key(name).raw(member.value);
    }
    return out.end_object().take();
}

std::string_view name_of(EventAnswer::Result result) {
    switch (result) {
        case EventAnswer::Result::kStored:
            return "accepted";
        case EventAnswer::Result::kDuplicate:
            return "duplicate";
        case EventAnswer::Result::kRefused:
            break;
    }
    return "refused";
}

void write_result(JsonWriter& out, const EventAnswer& one, const std::string& id) {
    out.field_if("id", id).field("status", name_of(one.result));
    if (one.result == EventAnswer::Result::kRefused)
        out.field("error", info(one.cause).name).field("detail", one.detail);
}

}  // namespace

void IntakeDoor::take(const Request& request, const Answer& answer) {
    if (telemetry_.readiness.load(std::memory_order_acquire) != Readiness::kReady)
        return answer(problem(503, "not-ready", "The appliance does not take events now",
                              "ask again when /readyz answers 200")
                          .header("Retry-After", "1"));
    const auto list = events_in(request.body);
    if (!list) return answer(bad_body("send one event as a JSON object, or several as an array of them"));
    Pending pending;
    pending.answer = answer;
    pending.batch = list->is_array;
    if (list->events.empty() || list->events.size() > limits::kBatchEventsMax)
        return answer(bad_body(fmt::format("send 1 to {} events at once", limits::kBatchEventsMax)));

    // Who may send for one tenant alone sends for that one.
    const Scope& scope = request.principal.scope;
    std::string tenant = scope.tenants.size() == 1 ? scope.tenants[0] : "default";
    std::optional<std::string> named;
    EventsRequest work;
    work.peer = "http " + request.peer;
    for (size_t i = 0; i < list->events.size(); ++i) {
        const RawObject event = members_of(list->events[i]);
        if (const RawMember* of = event.find("tenant_id")) {
            const std::string name = text_of(of->value);
            if (named && *named != name) return answer(bad_body("all events of a request are of one tenant"));
            named = name;
        }
        std::string id;
        work.events.push_back(cloud_event_of(list->events[i], event, [&] { return id_for(request, i); }, id));
        pending.ids.push_back(std::move(id));
    }
    if (named) tenant = *named;
    const auto tenant_id = log_.names().tenant(tenant);
    if (!tenant_id || !scope.sees_tenant(tenant))
        return answer(problem(403, "unknown-tenant", "There is no such tenant, or it is not yours",
                              fmt::format("\"{}\" is not known to this key", tenant)));
    work.tenant = *tenant_id;
    const uint64_t id = next_id_++;
    work.answer = [this, id](EventsAnswer result) {
        post_([this, id, result = std::move(result)]() mutable { answered(id, std::move(result)); });
    };
    pending.give_up_ns = clock_.monotonic_ns() + kPatienceNs;
    pending_[id] = std::move(pending);
    if (mailbox_.try_push(std::move(work))) return;
    pending_.erase(id);
    answer(
        problem(503, "busy", "Too many requests wait", "ask again in a moment").header("Retry-After", "1"));
}

void IntakeDoor::answered(uint64_t id, EventsAnswer result) {
    const auto at = pending_.find(id);
    if (at == pending_.end()) return;  // given up
    const Pending pending = std::move(at->second);
    pending_.erase(at);
    if (result.overloaded)
        return pending.answer(problem(503, "overloaded", "The log has no room now",
                                      "nothing was taken; send the same again later")
                                  .header("Retry-After", "5"));
    if (result.disabled)
        return pending.answer(problem(403, "tenant-disabled", "The tenant is disabled",
                                      "nothing was taken; ask whoever manages tenants"));
    if (result.rate_limited_ns > 0)
        return pending.answer(
            problem(429, "rate-limited", "The tenant is over its rate",
                    "nothing was taken; send the same again later")
                .header("Retry-After", std::to_string(1 + result.rate_limited_ns / 1'000'000'000)));
    Response answer;
    if (!pending.batch) {
        const EventAnswer& one = result.events[0];
        if (one.result == EventAnswer::Result::kRefused) {
            answer = problem(422, std::string(info(one.cause).name), "The event was refused",
                             fmt::format("{}; it is kept among the dead letters", one.detail));
        } else {
            JsonWriter out;
            out.begin_object();
            write_result(out, one, pending.ids[0]);
            answer.status = one.result == EventAnswer::Result::kStored ? 201 : 200;
            answer.body = out.end_object().take();
        }
        return pending.answer(std::move(answer));
    }
    JsonWriter out;
    size_t counts[3] = {};
    out.begin_object().key("results").begin_array();
    for (size_t i = 0; i < result.events.size(); ++i) {
        ++counts[static_cast<size_t>(result.events[i].result)];
        out.begin_object().field("index", i);
        write_result(out, result.events[i], pending.ids[i]);
        out.end_object();
    }
    out.end_array().field("accepted", counts[0]).field("duplicates", counts[1]).field("refused", counts[2]);
    answer.status = counts[2] == 0 ? 200 : 207;
    answer.body = out.end_object().take();
    pending.answer(std::move(answer));
}

void IntakeDoor::give_up_old() {
    const int64_t now = clock_.monotonic_ns();
    while (!pending_.empty() && pending_.begin()->second.give_up_ns <= now) {
        const Answer answer = std::move(pending_.begin()->second.answer);
        pending_.erase(pending_.begin());
        answer(problem(504, "no-answer-yet", "It is not durable yet",
                       "send the same again, with the same ids: what was stored is recognised")
                   .header("Retry-After", "5"));
    }
}

}  // namespace penstock::http
