#include "admin/http/once.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "pipeline/command_key.h"
#include "pipeline/stream_hash.h"
#include "schemas/limits.h"

namespace penstock::http {
namespace {

namespace json = boost::json;

constexpr size_t kKeyBytesMax = 200;

/// Whose keys these are: a name may be another's tomorrow.
std::string owner(const Principal& who) {
    switch (who.kind) {
        case Principal::Kind::kUser:
            return fmt::format("user {}", who.user);
        case Principal::Kind::kMachine:
            return fmt::format("key {}", who.session.empty() ? who.name : who.session);
        default:
            return "local";
    }
}

std::string hash_of(const Request& request) {
    StreamHash hash;
    for (const std::string* part : {&request.method, &request.path, &request.query, &request.body}) {
        const uint64_t size = part->size();
        hash.add(&size, sizeof size).add(part->data(), size);
    }
    return fmt::format("{:016x}", hash.digest());
}

Response another_request() {
    return problem(422, "idempotency-key-reused", "The Idempotency-Key came before with another request",
                   "a key stands for one request; send a new one");
}
Response in_flight() {
    return problem(409, "idempotency-in-flight", "The same request is under way", "ask again in a moment")
        .header("Retry-After", "1");
}
/// The appliance stopped between the command's record and its answer's, or the answer was no answer.
Response answer_lost(const KeptAnswer& kept) {
    Response lost = problem(409, "idempotency-answer-lost", "The first answer is not known any more",
                            kept.done ? "it was done: look at it; it is not done again under this key"
                                      : "it was refused; look again, and ask under a new key");
    lost.body.pop_back();  // the object goes on
    lost.body += fmt::format(R"(,"done":{},"seq":{}}})", kept.done, kept.seq);
    return lost;
}
Response again(const KeptAnswer& kept) {
    if (!kept.known) return answer_lost(kept);
    Response answer;
    answer.status = kept.status;
    answer.content_type = kept.type;
    answer.body = kept.body;
    answer.headers = kept.headers;
    return answer.header("Idempotent-Replayed", "true");
}

std::string record_of(const CommandKey& command, const Response& response) {
    json::array headers;
    for (const auto& [name, value] : response.headers)
        headers.push_back(json::object{{"name", name}, {"value", value}});
    const json::object text{{"status", response.status},
                            {"type", response.content_type},
                            {"body", response.kept_body.value_or(response.body)},
                            {"headers", std::move(headers)}};
    return with_command_key(command, json::serialize(text));
}

}  // namespace

void OnceDoor::run(const Request& request, const Answer& answer, const Command& command) {
    const std::string& key = request.idempotency_key;
    if (key.empty()) return command(answer);
    const auto visible = [](char c) { return c > ' ' && c <= '~'; };
    if (key.size() > kKeyBytesMax || !std::all_of(key.begin(), key.end(), visible))
        return answer(bad_parameters(
            {{"Idempotency-Key", fmt::format("must be 1 to {} visible ASCII characters", kKeyBytesMax)}}));
    const CommandKey asked{owner(request.principal), key, hash_of(request)};
    const Flight flight{asked.by, asked.key};
    if (const auto at = flights_.find(flight); at != flights_.end())
        return answer(at->second == asked.request ? in_flight() : another_request());
    if (const auto kept = book_.answer(asked.by, asked.key); kept && kept->until_ns > clock_.wall_ns())
        return answer(kept->command.request == asked.request ? again(*kept) : another_request());
    flights_[flight] = asked.request;
    const auto once = std::make_shared<Once>(Once{asked, answer});
    Answer keeping([this, once](Response response) { answered(once, std::move(response)); });
    keeping.once = once;
    try {
        command(keeping);
    } catch (...) {
        flights_.erase(flight);
        throw;
    }
}

void OnceDoor::answered(const std::shared_ptr<Once>& once, Response response) {
    const auto finish = [this, once](const Response& done) {
        flights_.erase({once->command.by, once->command.key});
        once->tell(done);
    };
    // What did nothing is judged anew; an answer that knows nothing is not kept.
    const bool keep = response.status < 500 && (once->asked || response.status < 300);
    std::string text = keep ? record_of(once->command, response) : "";
    if (!keep || text.size() > limits::kControlTextBytesMax) return finish(response);
    ControlRequest record{ControlKind::kAnswered, "", std::move(text), {}};
    record.answer = [this, finish, response = std::move(response)](Seq) {
        post_([finish, response] { finish(response); });
    };
    if (!unsent_.empty() || !mailbox_.try_push(std::move(record))) unsent_.push_back(std::move(record));
}

void OnceDoor::ask_again() {
    while (!unsent_.empty() && mailbox_.try_push(std::move(unsent_.front()))) unsent_.pop_front();
}

}  // namespace penstock::http
