#include "admin/http/event_search.h"

#include <algorithm>
#include <utility>

#include "admin/http/event_export.h"
#include "admin/http/event_rows.h"
#include "admin/http/text.h"

namespace penstock::http {
namespace {

constexpr uint64_t kTimeoutMs = 2'000, kTimeoutMsMin = 50, kTimeoutMsMax = 30'000;

// What every query takes.
#define PENSTOCK_FILTERS                                                                                \
    "key", "type", "tenant", "region", "text", "state", "severity_at_least", "from", "to", "time_from", \
        "time_to", "timeout_ms"

/// Rounded up: what was received at an instant is from then on.
int64_t ceil_to_us(StampNs ns) { return ns % 1000 > 0 ? ns / 1000 + 1 : ns / 1000; }

EventQuery::Span span_of(Parameters& parameters, std::string_view from, std::string_view to) {
    EventQuery::Span span;
    constexpr StampNs kLast = std::numeric_limits<StampNs>::max();
    if (const StampNs at = parameters.time(from, kNoTime); at != kNoTime) span.from_us = ceil_to_us(at);
    if (const StampNs at = parameters.time(to, kLast); at != kLast) span.to_us = ceil_to_us(at);
    return span;
}

int64_t deadline_of(Parameters& parameters) {
    return monotonic_now_ns() +
           static_cast<int64_t>(parameters.number("timeout_ms", kTimeoutMs, kTimeoutMsMin, kTimeoutMsMax)) *
               1'000'000;
}

void write_outcome(JsonWriter& json, const EventSearch::Outcome& outcome) {
    json.field("partial", outcome.partial()).key("missing").begin_array();
    for (const EventSearch::Missing& missing : outcome.missing) {
        json.begin_object();
        missing.region.empty() ? json.field("log", true) : json.field("region", missing.region);
        json.field("why", missing.why);
        if (missing.since_ns != 0) json.field("since", rfc3339(missing.since_ns));
        json.end_object();
    }
    json.end_array();
}

Response json_answer(JsonWriter& json) {
    Response answer;
    answer.body = json.take();
    return answer;
}

/// The request's parameters but the cursor, for the address of the next page.
std::string without_cursor(std::string_view query) {
    std::string out;
    while (!query.empty()) {
        const size_t end = std::min(query.find('&'), query.size());
        const std::string_view part = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (!part.empty() && !part.starts_with("cursor=")) out += fmt::format("{}&", part);
    }
    return out;
}

}  // namespace

bool EventSearchDoor::takes(const Answer& answer) {
    if (search_ != nullptr) return true;
    answer(problem(503, "no-search", "Events cannot be searched here", "this server has no regions"));
    return false;
}

void EventSearchDoor::stop() {
    if (search_ != nullptr) search_->interrupt();
    threads_.stop();
}

void EventSearchDoor::busy(const Answer& answer) {
    counters_.queries_refused.add();
    answer(problem(503, "busy", "Too many queries are under way", "ask again in a moment")
               .header("Retry-After", "1"));
}

EventQuery EventSearchDoor::read_query(Parameters& parameters, const Principal& who) const {
    EventQuery query;
    query.subject = parameters.text("key");
    query.type = parameters.text("type");
    query.tenant = parameters.text("tenant");
    query.region = parameters.text("region");
    query.text = parameters.text("text");
    query.received = span_of(parameters, "from", "to");
    query.time = span_of(parameters, "time_from", "time_to");
    query.severity_at_least = static_cast<uint8_t>(parameters.number("severity_at_least", 0, 1, 5));
    const std::string state = parameters.text("state");
    if (state == "waiting")
        query.state = EventQuery::State::kWaiting;
    else if (state == "stored")
        query.state = EventQuery::State::kStored;
    else if (!state.empty())
        parameters.wrong("state", "must be waiting or stored");
    query.scope = who.scope;
    for (const std::string* text : {&query.subject, &query.type, &query.tenant, &query.region, &query.text})
        if (text->find('\0') != std::string::npos) parameters.wrong("key", "no parameter may hold a NUL");
    if (!query.region.empty() && (!search_->has_region(query.region) || !who.scope.sees_region(query.region)))
        parameters.wrong("region", "is no region that you see");
    return query;
}

EventOrder EventSearchDoor::read_order(Parameters& parameters) const {
    EventOrder order;
    const std::string sort = parameters.text("sort"), way = parameters.text("order");
    if (sort == "time")
        order.by = EventOrder::By::kTime;
    else if (!sort.empty() && sort != "received")
        parameters.wrong("sort", "must be received or time");
    order.oldest_first = way == "oldest";
    if (!way.empty() && way != "oldest" && way != "newest")
        parameters.wrong("order", "must be newest or oldest");
    return order;
}

void EventSearchDoor::answer_later(std::string question, const EventQuery& query, int64_t deadline_ns,
                                   std::function<Made()> make, const Answer& answer) {
    std::optional<QueryCache::Entry> kept;
    if (const QueryCache::Entry* entry = cache_.find(question)) kept = *entry;
    const bool begun = threads_.run(
        [this, question, query, deadline_ns, kept, make = std::move(make), answer = answer]() mutable {
            Made made;
            bool hit = false;
            try {
                hit = kept && search_->current_mark(query, deadline_ns) == kept->mark;
                if (hit)
                    made.response.body = std::move(kept->body);
                else
                    made = make();
            } catch (const std::exception& e) {
                made.response = problem(500, "internal", "The server could not answer", e.what());
            }
            // This thread keeps nothing of it: the last to let go of a session must be the HTTP thread.
            post_([this, question, hit, answer = std::exchange(answer, nullptr),
                   made = std::move(made)]() mutable {
                (hit ? counters_.query_cache_hits : counters_.query_cache_misses).add();
                if (!hit && made.mark.empty()) cache_.forget(question);
                if (!hit && !made.mark.empty()) cache_.keep(question, {made.mark, made.response.body});
                counters_.query_cache_bytes.set(static_cast<int64_t>(cache_.bytes()));
                answer(std::move(made.response));
            });
        });
    if (!begun) busy(answer);
}

void EventSearchDoor::search(const Request& request, const Answer& answer) {
    if (!takes(answer)) return;
    Parameters parameters(request.query, {PENSTOCK_FILTERS, "sort", "order", "limit", "cursor"});
    const EventQuery query = read_query(parameters, request.principal);
    const EventOrder order = read_order(parameters);
    const size_t limit = parameters.number("limit", kItemsDefault, 1, EventSearch::kPageMax);
    const int64_t deadline_ns = deadline_of(parameters);
    const std::string cursor = parameters.text("cursor");
    std::optional<EventPosition> after;
    if (!cursor.empty() && !(after = read_cursor(cursor, query, order)))
        parameters.wrong("cursor", "is none of this search; begin anew without it");
    if (!parameters.errors.empty()) return answer(bad_parameters(parameters.errors));

    const std::string next_prefix = fmt::format("{}?{}cursor=", request.path, without_cursor(request.query));
    const auto make = [=, this] {
        const EventSearch::Page page = search_->page(query, order, after, limit, deadline_ns);
        JsonWriter json;
        json.begin_object().key("items").begin_array();
        for (const FoundEvent& event : page.events) write_found_event(json, event);
        json.end_array().key("next");
        page.next ? json.value(next_prefix + write_cursor(*page.next, query, order)) : json.null();
        write_outcome(json, page);
        json.end_object();
        return Made{json_answer(json), page.mark};
    };
    answer_later(fmt::format("search {} {} {}", limit, next_prefix, cursor) + text_of(query), query,
                 deadline_ns, make, answer);
}

void EventSearchDoor::statistics(const Request& request, const Answer& answer) {
    if (!takes(answer)) return;
    Parameters parameters(request.query, {PENSTOCK_FILTERS, "group"});
    const EventQuery query = read_query(parameters, request.principal);
    const int64_t deadline_ns = deadline_of(parameters);
    const std::string group = parameters.text("group");
    EventGrouping grouping;
    for (std::string_view rest = group; !rest.empty();) {
        const size_t end = std::min(rest.find(','), rest.size());
        const std::string_view name = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        constexpr int64_t kMinuteUs = 60'000'000;
        if (name == "region")
            grouping.region = true;
        else if (name == "tenant")
            grouping.tenant = true;
        else if (name == "type")
            grouping.type = true;
        else if (name == "severity")
            grouping.severity = true;
        else if (grouping.bucket_us == 0 && (name == "minute" || name == "hour" || name == "day"))
            grouping.bucket_us = kMinuteUs * (name == "minute" ? 1 : name == "hour" ? 60 : 1440);
        else
            parameters.wrong("group",
                             "must be of region, tenant, type, severity, and one of minute, hour, day");
    }
    if (!parameters.errors.empty()) return answer(bad_parameters(parameters.errors));
    const auto make = [=, this] {
        const EventSearch::Statistics found = search_->count(query, grouping, deadline_ns);
        JsonWriter json;
        uint64_t events = 0;
        json.begin_object().key("groups").begin_array();
        for (const auto& [of, counts] : found.groups) {
            events += counts.events;
            json.begin_object();
            if (grouping.bucket_us > 0) json.field("begin", rfc3339(of.bucket_us * 1000));
            if (grouping.region) json.field("region", of.region);
            if (grouping.tenant) json.field("tenant", of.tenant);
            if (grouping.type) json.field("type", of.type);
            if (grouping.severity) json.field("severity", of.severity);
            json.field("events", counts.events).field("first_received", rfc3339(counts.first_us * 1000));
            json.field("last_received", rfc3339(counts.last_us * 1000));
            if (counts.severity_max > 0) json.field("severity_max", counts.severity_max);
            json.end_object();
        }
        json.end_array().field("events", events).field("cut", found.cut);
        write_outcome(json, found);
        json.end_object();
        return Made{json_answer(json), found.mark};
    };
    answer_later(fmt::format("statistics {} ", group) + text_of(query), query, deadline_ns, make, answer);
}

/// What an export asks of its door.
class EventSearchDoor::Export final : public ExportDesk {
  public:
    explicit Export(EventSearchDoor& door) : door_(door) { ++door.exports_; }
    ~Export() override { --door_.exports_; }
    EventSearch& events() override { return *door_.search_; }
    void post(std::function<void()> work) override { door_.post_(std::move(work)); }
    bool run(std::function<void()> work) override { return door_.threads_.run(std::move(work), true); }
    void record(std::string text, std::function<void(bool)> done) override {
        door_.asker_.ask(
            ControlKind::kExported, "events", std::move(text),
            [done](const Response& response) {
                if (done) done(response.status == 200);
            },
            [](Seq) { return Response{}; });
    }

  private:
    EventSearchDoor& door_;
};

void EventSearchDoor::export_events(const Request& request, const Answer& answer) {
    if (!takes(answer)) return;
    Parameters parameters(request.query, {PENSTOCK_FILTERS, "sort", "order", "format", "partial"});
    ExportRequest asked;
    asked.query = read_query(parameters, request.principal);
    asked.order = read_order(parameters);
    asked.timeout_ns = deadline_of(parameters) - monotonic_now_ns();
    const std::string format = parameters.text("format"), partial = parameters.text("partial");
    asked.csv = format == "csv";
    if (!format.empty() && format != "csv" && format != "ndjson")
        parameters.wrong("format", "must be ndjson or csv");
    asked.takes_partial = partial == "true";
    if (!partial.empty() && partial != "true" && partial != "false")
        parameters.wrong("partial", "must be true or false");
    if (!parameters.errors.empty()) return answer(bad_parameters(parameters.errors));
    if (request.method == "HEAD") {
        Response head;
        head.content_type = asked.csv ? kCsvType : kNdjsonType;
        return answer(std::move(head));
    }
    if (!asker_.ready(answer)) return;
    if (exports_ >= kExportsMax) return busy(answer);
    asked.by = request.principal.name;
    asked.peer = request.peer;
    asked.filter = request.query;
    asked.region = asked.query.region;
    if (const auto& seen = request.principal.scope.regions; asked.region.empty() && seen.size() == 1)
        asked.region = seen.front();
    begin_export(std::make_unique<Export>(*this), std::move(asked), answer);
}

}  // namespace penstock::http
