#include "admin/http/review.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <memory>

#include "admin/http/paging.h"
#include "admin/http/request_body.h"
#include "admin/http/text.h"
#include "pipeline/stream_hash.h"

namespace penstock::http {
namespace {

namespace json = boost::json;
using Result = ReviewOutcome::Result;

constexpr size_t kBatchMax = 200, kEventsMax = 200, kKeyBytesMax = 200;
constexpr std::array<std::string_view, 2> kDecisions{"approved", "rejected"};

Response no_such_item(std::string_view id) {
    return problem(404, "no-such-item", "There is no item with this number",
                   fmt::format("\"{}\" is not known; GET /api/v1/review/items lists them", id));
}

struct Refusal {
    unsigned status;
    std::string_view slug, title;
};
Refusal refusal_of(Result result) {
    switch (result) {
        case Result::kNoItem:
            return {404, "no-such-item", "There is no item with this number"};
        case Result::kNotNow:
            return {409, "not-now", "The item's state does not allow this"};
        case Result::kTooMany:
            return {409, "too-many-items", "Nobody may have more items"};
        case Result::kNotActive:
            return {409, "not-active", "Who is to have it is not active"};
        case Result::kNotTheirs:
            return {403, "not-allowed", "The item is not for this user"};
        case Result::kTooLate:
            return {409, "too-late", "The time to undo it has passed"};
        case Result::kNoUser:
            return {409, "no-such-user", "There is no such user"};
        case Result::kOtherRequest:
            return {422, "idempotency-key-reused", "The Idempotency-Key came before with another request"};
        case Result::kDone:
        case Result::kStale:
            break;
    }
    return {409, "item-changed", "The item has changed, or somebody else has it"};
}

void write_outcome(JsonWriter& out, const ReviewOutcome& o) {
    out.field("item", o.item).field("state", kReviewStateNames[static_cast<size_t>(o.state)]);
    out.field("version", o.version).field_if("holder", o.holder);
    if (o.lease_until_ns != 0) out.field("lease_until", rfc3339(o.lease_until_ns));
    if (o.result == Result::kDone) {
        if (o.state == ReviewState::kInReview) out.field("fence", o.fence);
        out.field("at", rfc3339(o.at_ns));
    }
}

/// Once a command is durable and applied. The answer follows from the outcome alone, so that the same
/// Idempotency-Key gets the same answer.
Response response_of(const ReviewOutcome& o) {
    Response answer;
    if (o.result == Result::kDone) {
        JsonWriter out;
        out.begin_object();
        write_outcome(out, o);
        answer.body = out.end_object().take();
    } else {
        const Refusal refusal = refusal_of(o.result);
        answer = problem(refusal.status, refusal.slug, refusal.title, o.why);
        if (o.result != Result::kNoItem && o.result != Result::kOtherRequest) {
            JsonWriter out;
            out.begin_object();
            write_outcome(out, o);
            const std::string members = out.end_object().take();
            answer.body.pop_back();  // the object goes on
            answer.body += "," + members.substr(1);
        }
    }
    if (o.again) answer.header("Idempotent-Replayed", "true");
    return answer;
}

void write_step(JsonWriter& out, const ReviewStep& s) {
    out.begin_object().field("seq", s.seq).field("at", rfc3339(s.at_ns)).field("version", s.version);
    out.field("step", kReviewStepNames[static_cast<size_t>(s.kind)]);
    out.field("before", kReviewStateNames[static_cast<size_t>(s.before)]);
    out.field("after", kReviewStateNames[static_cast<size_t>(s.after)]).field("by", s.by);
    out.field_if("holder", s.whom).field_if("note", s.note).field_if("address", s.peer).end_object();
}

/// Sequences with commas.
std::vector<Seq> read_events(Parameters& parameters) {
    std::vector<Seq> events;
    const std::string text = parameters.text("events");
    for (std::string_view left = text; !left.empty();) {
        const size_t end = std::min(left.find(','), left.size());
        const auto seq = parse_unsigned(left.substr(0, end));
        if (!seq || events.size() == kEventsMax) {
            parameters.wrong("events",
                             fmt::format("must be at most {} sequences of events, with commas", kEventsMax));
            break;
        }
        events.push_back(*seq);
        left.remove_prefix(std::min(end + 1, left.size()));
    }
    std::sort(events.begin(), events.end());
    return events;
}

}  // namespace

// --- who sees what ----------------------------------------------------------------------------------------

std::string ReviewDoor::region_name(uint16_t id) const {
    const auto& regions = log_.names().regions;
    return id < regions.size() ? regions[id] : std::to_string(id);
}

bool ReviewDoor::sees(const Principal& who, const ReviewItem& item) const {
    const auto& tenants = log_.names().tenants;
    // What is not durable yet may never have been.
    if (item.event_seq >= telemetry_.committed_seq.load(std::memory_order_acquire)) return false;
    return who.scope.sees_region(region_name(item.region)) &&
           (who.scope.all_tenants() ||
            (item.tenant < tenants.size() && who.scope.sees_tenant(tenants[item.tenant])));
}

uint64_t ReviewDoor::region_mask(const Principal& who) const {
    uint64_t mask = 0;
    const auto& regions = log_.names().regions;
    for (size_t r = 0; r < regions.size() && r < 64; ++r)
        if (who.scope.sees_region(regions[r])) mask |= uint64_t{1} << r;
    return mask;
}

std::optional<ReviewItem> ReviewDoor::visible(const Request& request, std::string_view id) const {
    const auto number = parse_unsigned(id);
    auto item = number ? book_.item(*number) : std::nullopt;
    if (item && !sees(request.principal, *item)) item.reset();
    return item;
}

bool ReviewDoor::region_has(const ReviewItem& item) const {
    if (!is_decided(item.state)) return false;
    const std::string name = region_name(item.region);
    for (const auto& region : telemetry_.regions)
        if (region->name == name)
            return region->configured &&
                   region->flushed_seq.load(std::memory_order_acquire) > item.decision_seq;
    return false;
}

// --- reading ----------------------------------------------------------------------------------------------

void ReviewDoor::write_item(JsonWriter& out, const ReviewItem& i, const Principal& who, bool whole) const {
    const auto& tenants = log_.names().tenants;
    const bool stored = region_has(i);
    out.begin_object().field("id", i.id).field("state", kReviewStateNames[static_cast<size_t>(i.state)]);
    // As the seeds call it: the event is viewed, and its assignment finished, once the region knows.
    out.field("event_state", stored ? "viewed" : "received").field("finished", stored);
    out.field("version", i.version).field("queue", i.queue).field("priority", i.priority);
    if (i.severity != 0) out.field("severity", i.severity);
    out.field("escalated", i.escalated).field("region", region_name(i.region));
    out.field("tenant", i.tenant < tenants.size() ? tenants[i.tenant] : std::to_string(i.tenant));
    out.field("type", i.type).field_if("subject", i.subject).field_if("source", i.source);
    out.field_if("event_id", i.event_id).field("event_seq", i.event_seq);
    if (i.alert != 0) out.field("alert", fmt::format("{:016x}", i.alert)).field("episode", i.alert_episode);
    if (!i.skills.empty()) out.list("skills", i.skills);
    const auto time = [&](std::string_view name, StampNs at_ns) {
        if (at_ns != 0) out.field(name, rfc3339(at_ns));
    };
    time("created", i.created_ns);
    time("due", i.due_ns);
    if (i.due_ns != 0 && !is_over(i.state)) out.field("overdue", i.due_ns < clock_.wall_ns());
    time("expires", i.expires_ns);
    time("changed", i.changed_ns);
    time("ended", i.ended_ns);
    time("undo_until", i.undo_until_ns);
    if (i.holder != 0) {
        out.field("holder", i.holder_name).field("holder_id", i.holder);
        time("assigned", i.assigned_ns);
        time("lease_until", i.lease_until_ns);
    }
    if (i.state == ReviewState::kInReview) {
        time("claimed", i.claimed_ns);
        if (i.holder == who.user) out.field("fence", i.fence);
    }
    if (whole) {
        out.key("history").begin_array();
        for (const ReviewStep& s : i.history) write_step(out, s);
        out.end_array();
    }
    out.end_object();
}

Response ReviewDoor::list(const Request& request) const {
    Parameters parameters(request.query,
                          {"limit", "after", "state", "holder", "queue", "events", "region", "escalated"});
    const size_t limit = parameters.number("limit", kItemsDefault, 1, kItemsMax);
    const uint64_t after = parameters.number("after", 0, 1, kNewest);
    const std::string state = parameters.text("state"), holder = parameters.text("holder"),
                      region = parameters.text("region");
    ReviewFilter filter;
    filter.queue = parameters.text("queue");
    filter.events = read_events(parameters);
    const std::string escalated = parameters.text("escalated");
    filter.escalated = escalated == "true";
    if (!escalated.empty() && !filter.escalated) parameters.wrong("escalated", "must be true");
    filter.regions = region_mask(request.principal);
    if (!region.empty()) {
        const auto id = log_.names().region(region);
        filter.regions &= id ? uint64_t{1} << *id : 0;
    }
    bool nothing = filter.regions == 0;
    for (const std::string& tenant : request.principal.scope.tenants)
        if (const auto id = log_.names().tenant(tenant)) filter.tenants.push_back(*id);
    nothing |= !request.principal.scope.all_tenants() && filter.tenants.empty();
    const auto at = std::find(kReviewStateNames.begin(), kReviewStateNames.end(), state);
    if (state == "open" || state.empty())
        filter.open = true;
    else if (state != "all" && at == kReviewStateNames.end())
        parameters.wrong("state",
                         fmt::format("must be open, all or one of {}", fmt::join(kReviewStateNames, ", ")));
    else if (state != "all")
        filter.state = static_cast<ReviewState>(at - kReviewStateNames.begin());
    if (holder == "me") {
        filter.holder = request.principal.user;
        nothing |= filter.holder == 0;
    } else if (!holder.empty()) {
        const ReviewSummary now = book_.summary();
        const auto load = std::find_if(now.operators.begin(), now.operators.end(),
                                       [&](const ReviewLoad& l) { return l.name == holder; });
        nothing |= load == now.operators.end();
        if (load != now.operators.end()) filter.holder = load->user;
    }
    if (!parameters.errors.empty()) return bad_parameters(parameters.errors);
    std::vector<ReviewItem> found;
    if (!nothing) found = book_.items(filter, after, limit + 1);
    std::string next;
    if (found.size() > limit) {
        found.pop_back();
        next = fmt::format("{}?limit={}&after={}", request.path, limit, found.back().id);
        for (const char* name : {"state", "holder", "queue", "events", "region", "escalated"})
            if (const std::string value = parameters.text(name); !value.empty())
                next += fmt::format("&{}={}", name, percent_encode(value));
    }
    JsonWriter out;
    out.begin_object().key("items").begin_array();
    for (const ReviewItem& item : found)
        if (sees(request.principal, item)) write_item(out, item, request.principal, false);
    out.end_array().key("next");
    next.empty() ? out.null() : out.value(next);
    Response answer;
    answer.body = out.end_object().take();
    if (!next.empty()) answer.header("Link", fmt::format("<{}>; rel=\"next\"", next));
    return answer;
}

Response ReviewDoor::show(const Request& request, std::string_view id) const {
    const auto item = visible(request, id);
    if (!item) return no_such_item(id);
    JsonWriter out;
    write_item(out, *item, request.principal, true);
    Response answer;
    answer.body = out.take();
    answer.header("ETag", fmt::format("\"{}\"", item->version));
    return answer;
}

Response ReviewDoor::summary(const Request& request) const {
    const ReviewSummary s = book_.summary();
    JsonWriter out;
    out.begin_object();
    if (request.principal.scope.all_regions() && request.principal.scope.all_tenants()) {
        out.key("states").begin_object();
        for (size_t i = 1; i < s.by_state.size(); ++i) out.field(kReviewStateNames[i], s.by_state[i]);
        out.end_object();
        out.field("not_kept", s.not_kept).field("decisions_to_flush", s.decisions_to_flush);
        if (s.oldest_waiting_ns != 0) out.field("oldest_waiting", rfc3339(s.oldest_waiting_ns));
    }
    out.key("waiting").begin_object();
    for (const auto& [region, count] : s.waiting_by_region)
        if (request.principal.scope.all_tenants() && request.principal.scope.sees_region(region_name(region)))
            out.field(region_name(region), count);
    out.end_object().key("operators").begin_array();
    for (const ReviewLoad& load : s.operators) {
        const bool self = load.user == request.principal.user;
        const bool leads =
            request.principal.role >= Role::kSupervisor && request.principal.scope.all_tenants();
        if (!self && !leads) continue;  // others' counts are of all tenants
        out.begin_object().field("user", load.user).field("name", load.name).field("active", load.active);
        out.field("open", load.open).field("in_review", load.in_review).field("decided", load.decided);
        out.end_object();
    }
    Response answer;
    answer.body = out.end_array().end_object().take();
    return answer;
}

// --- commands ---------------------------------------------------------------------------------------------

ReviewDoor::Command ReviewDoor::command_of(const Request& request, RequestBody& body, ControlKind kind,
                                           uint64_t item, std::string_view key) const {
    const auto biggest = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    const auto fence = body.number("fence", 1, biggest), version = body.number("version", 0, biggest);
    const Principal& who = request.principal;
    json::object text{
        {"by", who.name}, {"user", who.user}, {"role", static_cast<int>(who.role)}, {"peer", request.peer}};
    const std::string reason = body.text("reason"), to = body.text("to"), decision = body.text("decision");
    text["note"] = reason;
    if (fence) text["fence"] = *fence;
    if (version && !fence) text["version"] = *version;
    const bool needs_version = kind == ControlKind::kReviewReassigned || kind == ControlKind::kReviewUndone;
    if (needs_version && !version)
        body.wrong("\"version\" is missing: the item's version that you have seen");
    if (kind != ControlKind::kReviewClaimed && !fence && !version)
        body.wrong(
            "\"fence\" is missing: what your claim was given (or \"version\", of an item not claimed)");
    if (kind == ControlKind::kReviewReassigned) {
        if (to.empty()) body.wrong("\"to\" is missing: a user's name");
        text["to"] = to;
    }
    if (kind == ControlKind::kReviewDecided) {
        if (std::find(kDecisions.begin(), kDecisions.end(), decision) == kDecisions.end())
            body.wrong("\"decision\" must be approved or rejected");
        if (decision == "rejected" && reason.empty()) body.wrong("\"reason\" is missing: why it is rejected");
        text["decision"] = decision;
    }
    if ((kind == ControlKind::kReviewUndone || kind == ControlKind::kReviewEscalated) && reason.empty())
        body.wrong("\"reason\" is missing");
    if (!key.empty()) {
        StreamHash hash;  // so that the key of another request is found out
        const std::string whole =
            fmt::format("{} {} {}", static_cast<int>(kind), item, json::serialize(json::value(body.members)));
        hash.add(whole.data(), whole.size());
        text["key"] = key;
        text["request"] = fmt::format("{:016x}", hash.digest());
    }
    return {kind, item, json::serialize(text)};
}

Response ReviewDoor::result(Seq seq) const {
    const auto outcome = book_.outcome(seq);
    if (!outcome)
        return problem(504, "no-answer-yet",
                       "It is done or refused, but what came of it is not known any more",
                       "look at the item");
    return response_of(*outcome);
}

void ReviewDoor::change(const Request& request, std::string_view id, ControlKind kind, const Answer& answer) {
    if (!asker_.ready(answer)) return;
    const auto item = visible(request, id);
    if (!item) return answer(no_such_item(id));
    if (request.idempotency_key.size() > kKeyBytesMax)
        return answer(bad_body(fmt::format("the Idempotency-Key is longer than {} bytes", kKeyBytesMax)));
    RequestBody body(request, {"fence", "version", "reason", "to", "decision"});
    Command command = command_of(request, body, kind, item->id, request.idempotency_key);
    if (!body.fault.empty()) return answer(bad_body(body.fault));
    asker_.ask(kind, std::to_string(item->id), std::move(command.text), answer,
               [this](Seq seq) { return result(seq); });
}

void ReviewDoor::decide_batch(const Request& request, const Answer& answer) {
    if (!asker_.ready(answer)) return;
    RequestBody body(request, {"items"});
    const json::value* items = body.members.if_contains("items");
    if (!items || !items->is_array() || items->get_array().empty() || items->get_array().size() > kBatchMax)
        body.wrong(fmt::format("\"items\" must be a list of 1 to {} decisions", kBatchMax));
    if (request.idempotency_key.size() > kKeyBytesMax)
        body.wrong(fmt::format("the Idempotency-Key is longer than {} bytes", kKeyBytesMax));
    if (!body.fault.empty()) return answer(bad_body(body.fault));
    struct Batch {
        std::vector<std::pair<uint64_t, Response>> results;
        size_t left = 0;
        Answer answer;
        void finish() const {
            JsonWriter out;
            size_t done = 0;
            out.begin_object().key("results").begin_array();
            for (const auto& [item, response] : results) {
                done += response.status == 200;
                out.begin_object().field("item", item).field("status", response.status);
                out.key(response.status == 200 ? "result" : "problem").raw(response.body).end_object();
            }
            out.end_array().field("done", done).field("failed", results.size() - done).end_object();
            Response whole;
            whole.status = done == results.size() ? 200 : 207;
            whole.body = out.take();
            answer(std::move(whole));
        }
    };
    const json::array& list = items->get_array();
    const auto batch = std::make_shared<Batch>();
    batch->results.resize(list.size());
    batch->left = list.size();
    batch->answer = answer;
    for (size_t i = 0; i < list.size(); ++i) {
        const auto settle = [batch, i](Response response) {
            batch->results[i].second = std::move(response);
            if (--batch->left == 0) batch->finish();
        };
        Request one = request;
        one.body = json::serialize(list[i]);
        RequestBody members(one, {"id", "fence", "version", "reason", "decision"});
        const auto id = members.number("id", 1, static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
        if (!id) members.wrong("\"id\" is missing: the item's number");
        batch->results[i].first = id.value_or(0);
        const std::string key =
            request.idempotency_key.empty() ? "" : fmt::format("{}/{}", request.idempotency_key, i);
        Command command = command_of(one, members, ControlKind::kReviewDecided, id.value_or(0), key);
        if (!members.fault.empty()) {
            settle(bad_body(members.fault));
        } else if (!visible(request, std::to_string(*id))) {
            settle(no_such_item(std::to_string(*id)));
        } else {
            asker_.ask(ControlKind::kReviewDecided, std::to_string(*id), std::move(command.text), settle,
                       [this](Seq seq) { return result(seq); });
        }
    }
}

void ReviewDoor::put_assignment(const Request& request, std::string_view id, const Answer& answer) {
    const auto item = visible(request, id);
    if (!item) return answer(no_such_item(id));
    RequestBody body(request, {"status", "reason"});
    const std::string status = body.text("status", true), reason = body.text("reason");
    if (body.fault.empty() && status != "completed" && status != "rejected")
        body.wrong("\"status\" must be completed or rejected");
    if (!body.fault.empty()) return answer(bad_body(body.fault));
    Request decision = request;
    const bool rejects = status == "rejected";
    json::object members{{"decision", rejects ? "rejected" : "approved"},
                         {"reason", reason.empty() && rejects ? "rejected" : reason}};
    if (item->state == ReviewState::kInReview && item->holder == request.principal.user)
        members["fence"] = item->fence;
    else
        members["version"] = item->version;
    decision.body = json::serialize(members);
    change(decision, id, ControlKind::kReviewDecided, answer);
}

}  // namespace penstock::http
