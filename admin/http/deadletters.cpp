#include "admin/http/deadletters.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cstring>
#include <utility>

#include "admin/http/control_asker.h"
#include "admin/http/paging.h"
#include "admin/http/text.h"
#include "schemas/wire.h"

namespace penstock::http {
namespace {

namespace json = boost::json;

constexpr int64_t kPatienceNs = 10'000'000'000;
constexpr size_t kTextBytesMax = 1024;  // of by and note

Response no_such_letter(Seq seq, const EventQueries& queries) {
    const Seq first = queries.first_seq(), next = queries.next_seq();
    return problem(404, "no-such-dead-letter", "The log holds no dead letter with this sequence",
                   seq < first
                       ? fmt::format("the log begins at {}; retention has taken what was before", first)
                   : seq >= next ? fmt::format("the log ends before {}", next)
                                 : "the sequence belongs to an event or a control record");
}

Response not_open(Seq seq, const LetterFate& fate) {
    std::string what = "it was dropped";
    if (fate.status() == LetterStatus::kRetried) {
        const LetterAction& last = fate.actions.back();
        what = last.outcome == RetryOutcome::kStored
                   ? fmt::format("it was retried and is stored as {}", last.result_seq)
               : last.outcome == RetryOutcome::kDuplicate
                   ? std::string("it was retried, and its event was stored before")
                   : fmt::format("it was retried and refused again, as dead letter {}", last.result_seq);
    }
    return problem(409, "not-open", "The dead letter is not open any more",
                   fmt::format("{}; GET /api/v1/deadletters/{} has its history", what, seq));
}

/// What the body of a retry or a drop may say.
struct Change {
    std::string by, note;
    std::optional<std::string> replace;
};

/// Reads the body; what is wrong with it, or nothing.
std::optional<std::string> read_change(const Request& request, bool drop, Change& out) {
    json::error_code failed;
    const json::value root =
        json::parse(request.body.empty() ? std::string_view("{}") : request.body, failed);
    if (failed || !root.is_object()) return "the body is not a JSON object";
    for (const auto& [name, value] : root.get_object()) {
        const bool known = name == "by" || name == "note" || (name == "replace" && !drop);
        if (!known)
            return fmt::format("\"{}\" is not known; known are by, note{}", std::string_view(name),
                               drop ? "" : ", replace");
        if (!value.is_string()) return fmt::format("\"{}\" is not a string", std::string_view(name));
        const std::string_view text = value.get_string();
        if (name == "replace") {
            if (text.size() > limits::kEventBytesMax)
                return fmt::format("\"replace\" has {} bytes; an event has at most {}", text.size(),
                                   limits::kEventBytesMax);
            out.replace = std::string(text);
            continue;
        }
        if (text.size() > kTextBytesMax)
            return fmt::format("\"{}\" is longer than {} bytes", std::string_view(name), kTextBytesMax);
        (name == "by" ? out.by : out.note) = std::string(text);
    }
    out.by = who_did(request, out.by);
    return std::nullopt;
}

std::span<const uint8_t> trimmed(std::span<const uint8_t> line) {
    const auto blank = [](uint8_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!line.empty() && blank(line.back())) line = line.first(line.size() - 1);
    while (!line.empty() && blank(line.front())) line = line.subspan(1);
    return line;
}

std::span<const uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

bool is_frame(const std::vector<uint8_t>& raw) {
    return raw.size() >= 4 && std::memcmp(raw.data(), &wire::kMagic, sizeof wire::kMagic) == 0;
}

}  // namespace

DeadLetterDoor::DeadLetterDoor(const EventQueries& queries, const DeadLetterBook& book,
                               LetterMailbox& mailbox, const Telemetry& telemetry, const Clock& clock,
                               Post post)
    : queries_(queries),
      book_(book),
      mailbox_(mailbox),
      telemetry_(telemetry),
      clock_(clock),
      post_(std::move(post)) {}

Response DeadLetterDoor::list(const Request& request) const {
    Parameters parameters(request.query, {"limit", "before", "cause", "tenant", "since", "until", "status"});
    const size_t limit = parameters.number("limit", kItemsDefault, 1, kItemsMax);
    const Seq before = parameters.number("before", kNewest, 1, kNewest);
    const std::string cause = parameters.text("cause"), status = parameters.text("status");
    LetterFilter filter;
    filter.scope = request.principal.scope;
    filter.tenant = parameters.text("tenant");
    filter.since_ns = parameters.time("since", filter.since_ns);
    filter.until_ns = parameters.time("until", filter.until_ns);
    if (!cause.empty()) {
        const auto at = std::find_if(kRefusals.begin() + 1, kRefusals.end(),
                                     [&](const RefusalInfo& known) { return known.name == cause; });
        if (at == kRefusals.end())
            parameters.wrong("cause", "is not known; docs/wire_format.md lists them");
        else
            filter.cause = static_cast<Refusal>(at - kRefusals.begin());
    }
    if (!status.empty()) {
        const auto at = std::find(kLetterStatusNames.begin(), kLetterStatusNames.end(), status);
        if (at == kLetterStatusNames.end())
            parameters.wrong("status", fmt::format("must be one of {}", fmt::join(kLetterStatusNames, ", ")));
        else
            filter.status = static_cast<LetterStatus>(at - kLetterStatusNames.begin());
    }
    if (!parameters.errors.empty()) return bad_parameters(parameters.errors);
    return page_of_items(queries_.dead_letters(filter, book_, limit, before), request.path, limit,
                         {{"cause", cause},
                          {"tenant", filter.tenant},
                          {"since", parameters.text("since")},
                          {"until", parameters.text("until")},
                          {"status", status}});
}

Response DeadLetterDoor::show(const Request& request, std::string_view seq) const {
    const auto number = parse_unsigned(seq);
    if (!number || *number == 0)
        return bad_parameters({{"seq", "must be a log sequence: a whole number from 1"}});
    auto found = queries_.dead_letter_json(*number, book_, request.principal.scope);
    if (!found) return no_such_letter(*number, queries_);
    Response answer;
    answer.body = std::move(*found);
    return answer;
}

void DeadLetterDoor::change(const Request& request, std::string_view seq, bool drop, const Answer& answer) {
    const auto number = parse_unsigned(seq);
    if (!number || *number == 0)
        return answer(bad_parameters({{"seq", "must be a log sequence: a whole number from 1"}}));
    if (telemetry_.readiness.load(std::memory_order_acquire) != Readiness::kReady)
        return answer(problem(503, "not-ready", "The appliance does not take events now",
                              "ask again when /readyz answers 200")
                          .header("Retry-After", "1"));
    Change change;
    if (const auto wrong = read_change(request, drop, change))
        return answer(problem(400, "bad-body", "The request's body is wrong", *wrong));
    std::optional<StoredLetter> found = queries_.dead_letter(*number, request.principal.scope);
    if (!found) return answer(no_such_letter(*number, queries_));
    if (const LetterFate fate = book_.fate(*number, queries_.next_seq());
        fate.status() != LetterStatus::kOpen)
        return answer(not_open(*number, fate));

    LetterRequest ask;
    ask.letter = *number;
    ask.drop = drop;
    ask.by = std::move(change.by);
    ask.note = std::move(change.note);
    if (answer.once) ask.once = answer.once->command;
    ask.edited = change.replace.has_value();
    ask.original = std::move(found->letter);
    if (!drop) {
        if (!ask.edited && !ask.original.whole())
            return answer(problem(
                422, "cut", "The dead letter is not whole",
                fmt::format(
                    "it had {} bytes, of which the first {} are kept; send the whole event as \"replace\" "
                    "(penstock deadletter retry {} --replace FILE)",
                    ask.original.whole_length, ask.original.raw.size(), *number)));
        if (!ask.edited && is_frame(ask.original.raw))
            return answer(
                problem(422, "no-event", "The dead letter is no single event",
                        "a whole frame was refused; let its producer send it again and drop this, or "
                        "send one event as \"replace\""));
        ask.flatbuffer = !ask.edited && found->flatbuffer;
        const auto bytes = trimmed(bytes_of(ask.edited ? std::string_view(*change.replace) : ""));
        ask.bytes = ask.edited ? std::vector<uint8_t>(bytes.begin(), bytes.end()) : ask.original.raw;
        if (ask.original.cause == Refusal::kRegionRefused) {
            ask.event = ask.original.position;
            ask.identity = found->identity;
        }
    }
    const uint64_t id = next_id_++;
    ask.answer = [this, id, letter = *number, drop](LetterAnswer result) {
        post_([this, id, letter, drop, result = std::move(result)] { answered(id, letter, drop, result); });
    };
    pending_[id] = {answer, clock_.monotonic_ns() + kPatienceNs};
    if (mailbox_.try_push(std::move(ask))) {
        if (answer.once) answer.once->asked = true;
        return;
    }
    pending_.erase(id);
    answer(
        problem(503, "busy", "Too many requests wait", "ask again in a moment").header("Retry-After", "1"));
}

void DeadLetterDoor::answered(uint64_t id, Seq letter, bool drop, const LetterAnswer& result) {
    const auto at = pending_.find(id);
    if (at == pending_.end()) return;  // given up
    const Answer answer = std::move(at->second.answer);
    pending_.erase(at);
    using Result = LetterAnswer::Result;
    if (answer.once) answer.once->asked = result.result == Result::kDone;
    switch (result.result) {
        case Result::kNotOpen:
            return answer(not_open(letter, book_.fate(letter)));
        case Result::kBusy:
            return answer(
                problem(409, "in-progress", "Somebody else is at this dead letter", "ask again in a moment")
                    .header("Retry-After", "1"));
        case Result::kNoRoom:
            return answer(problem(503, "overloaded", "The log or the dedup window has no room",
                                  "ask again when the appliance reads its sockets again")
                              .header("Retry-After", "5"));
        case Result::kStoredBefore:
            return answer(problem(409, "stored-before", "The event has been stored again already",
                                  "another dead letter of the same event was retried; drop this one"));
        case Result::kDone:
            break;
    }
    JsonWriter out;
    out.begin_object().field("seq", letter);
    out.field(
        "status",
        kLetterStatusNames[static_cast<size_t>(drop ? LetterStatus::kDropped : LetterStatus::kRetried)]);
    out.field("action_seq", result.seq);
    if (!drop) {
        out.field("outcome", kRetryOutcomeNames[static_cast<size_t>(result.outcome)]);
        if (result.outcome == RetryOutcome::kStored) out.field("event_seq", result.result_seq);
        if (result.outcome == RetryOutcome::kRefused)
            out.field("cause", info(result.cause).name)
                .field("detail", result.detail)
                .field("new_dead_letter", result.result_seq);
    }
    Response done;
    done.body = out.end_object().take();
    answer(std::move(done));
}

void DeadLetterDoor::give_up_old() {
    give_up(pending_, clock_.monotonic_ns(),
            "it may still be done: look at the dead letter before you ask again");
}

}  // namespace penstock::http
