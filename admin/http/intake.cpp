#include "admin/http/intake.h"

#include <fmt/format.h>
#include <sodium.h>

#include <boost/json.hpp>
#include <optional>

#include "admin/http/request_body.h"
#include "admin/http/text.h"
#include "pipeline/stream_hash.h"
#include "schemas/limits.h"

namespace penstock::http {
namespace {

namespace json = boost::json;

constexpr int64_t kPatienceNs = 10'000'000'000;

std::string random_id() {
    uint8_t bytes[16];
    randombytes_buf(bytes, sizeof bytes);
    std::string id;
    for (const uint8_t b : bytes) id += fmt::format("{:02x}", b);
    return id;
}

/// The short form, {"event_type", "timestamp", "metadata"}, as a CloudEvent. What it does not know goes along
/// as it is, and is judged like any attribute.
json::object cloud_event_of(json::object given) {
    json::object event{{"specversion", "1.0"}};
    const auto take = [&](const char* from, const char* to) {
        if (auto* value = given.if_contains(from)) {
            event[to] = std::move(*value);
            given.erase(from);
        }
    };
    take("event_type", "type");
    take("timestamp", "time");
    take("metadata", "data");
    take("event_id", "id");
    given.erase("tenant_id");
    for (auto& [key, value] : given) event.insert_or_assign(key, std::move(value));
    if (!event.contains("source")) event["source"] = "/http";
    return event;
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
    json::error_code failed;
    json::value root = json::parse(request.body, failed);
    if (failed || (!root.is_object() && !root.is_array()))
        return answer(bad_body("send one event as a JSON object, or several as an array of them"));
    Pending pending;
    pending.answer = answer;
    pending.batch = root.is_array();
    json::array list;
    if (pending.batch)
        list = std::move(root.get_array());
    else
        list.push_back(std::move(root));
    if (list.empty() || list.size() > limits::kBatchEventsMax)
        return answer(bad_body(fmt::format("send 1 to {} events at once", limits::kBatchEventsMax)));

    // Who may send for one tenant alone sends for that one.
    const Scope& scope = request.principal.scope;
    std::string tenant = scope.tenants.size() == 1 ? scope.tenants[0] : "default";
    std::optional<std::string> named;
    EventsRequest work;
    work.peer = "http " + request.peer;
    for (size_t i = 0; i < list.size(); ++i) {
        std::string id;
        if (list[i].is_object()) {
            json::object event = std::move(list[i].get_object());
            if (const json::value* of = event.if_contains("tenant_id")) {
                const std::string name(of->is_string() ? std::string_view(of->get_string()) : "");
                if (named && *named != name)
                    return answer(bad_body("all events of a request are of one tenant"));
                named = name;
            }
            if (!event.contains("specversion") && event.contains("event_type"))
                event = cloud_event_of(std::move(event));
            else
                event.erase("tenant_id");
            if (!event.contains("id")) {
                // The same request under the same key must not be stored twice.
                if (!request.idempotency_key.empty()) {
                    StreamHash hash;
                    hash.add(request.idempotency_key.data(), request.idempotency_key.size())
                        .add(&i, sizeof i);
                    id = fmt::format("{}-{:016x}", request.idempotency_key.substr(0, 64), hash.digest());
                } else {
                    id = random_id();
                }
                event["id"] = id;
            } else if (event["id"].is_string()) {
                id = event["id"].get_string();
            }
            work.events.push_back(json::serialize(event));
        } else {
            work.events.push_back(json::serialize(list[i]));  // refused like any line that is no object
        }
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
