#include "admin/cli/letter_source.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <memory>

#include "admin/cli/event_text.h"
#include "admin/cli/log_reading.h"
#include "admin/http/deadletters.h"
#include "admin/http/text.h"
#include "pipeline/rfc3339.h"

namespace penstock::cli {
namespace {

namespace json = boost::json;

/// "90s", "15m", "2h", "7d": so many nanoseconds.
std::optional<int64_t> parse_ago(std::string_view text) {
    if (text.size() < 2) return std::nullopt;
    static constexpr std::pair<char, int64_t> kUnits[] = {{'s', 1}, {'m', 60}, {'h', 3'600}, {'d', 86'400}};
    uint32_t n = 0;
    const char* const end = text.data() + text.size() - 1;
    const auto [at, ec] = std::from_chars(text.data(), end, n);
    for (const auto& [unit, seconds] : kUnits)
        if (ec == std::errc() && at == end && text.back() == unit)
            return int64_t{n} * seconds * 1'000'000'000;
    return std::nullopt;
}

json::value parsed(const std::string& text, std::string_view what) {
    json::error_code failed;
    json::value v = json::parse(text, failed);
    if (failed) throw CommandError(kFailed, fmt::format("{} is no JSON: {}", what, failed.message()));
    return v;
}

HttpReply ask(const LetterPlace& place, const std::string& target) {
    HttpReply reply = http_get(place.address(), target);
    if (reply.status != 200) throw CommandError(kFailed, problem_text(reply));
    return reply;
}

/// The log of a stopped appliance, answered by the same code as the API. Also beside a running one.
class Folder {
  public:
    explicit Folder(const LetterPlace& place)
        : log_(LogPlace{place.data_dir, place.config}.open()),
          queries_(*log_, clock_),
          telemetry_(),
          door_(queries_, book_, mailbox_, telemetry_, clock_, {}) {
        GuardedProgress progress;
        scan_in_slices(*log_, 1, false, progress, [&](const RecordView& record, bool) {
            book_.apply(record);
            return true;
        });
    }
    HttpReply get(const std::string& target) const {
        constexpr std::string_view kList = "/api/v1/deadletters";
        const size_t question = target.find('?');
        http::Response answer;
        if (target.size() > kList.size() && target[kList.size()] == '/') {
            answer = door_.show({}, std::string_view(target).substr(kList.size() + 1));
        } else {
            http::Request request;
            request.path = kList;
            if (question != std::string::npos) request.query = target.substr(question + 1);
            answer = door_.list(request);
        }
        return {answer.status, std::move(answer.body)};
    }

  private:
    std::unique_ptr<EventLog> log_;
    SystemClock clock_;
    DeadLetterBook book_;
    LetterMailbox mailbox_{1};
    http::EventQueries queries_;
    Telemetry telemetry_;
    http::DeadLetterDoor door_;
};

}  // namespace

void settle_time(std::string& text, std::string_view flag) {
    if (text.empty() || parse_rfc3339(text)) return;
    const auto ago = parse_ago(text);
    if (!ago)
        throw CommandError(kUsage,
                           fmt::format("{} \"{}\" is no time; write 2026-01-31T08:00:00Z, or how long "
                                       "ago: 90s, 15m, 2h, 7d",
                                       flag, text));
    text = format_rfc3339(SystemClock().wall_ns() - *ago);
}

void LetterPlace::add_to(CLI::App& command, bool reads_only) {
    CLI::Option* asked = server.add_to(command);
    if (reads_only)
        command.add_option("--data-dir", data_dir, "read the log in this data folder instead of asking")
            ->excludes(asked);
    config.add_to(command);
}

void LetterChoice::add_to(CLI::App& command) {
    command.add_option("--cause", cause, "refused for this cause, for example bad_json");
    command.add_option("--tenant", tenant, "of this tenant");
    command.add_option("--since", since,
                       "received at or after this RFC 3339 time, or so long ago: 15m, 2h, 7d");
    command.add_option("--until", until, "received before this time");
    command.add_option("--status", status, "open, retried or dropped")
        ->check(CLI::IsMember({"open", "retried", "dropped"}));
}

void LetterChoice::settle() {
    settle_time(since, "--since");
    settle_time(until, "--until");
}

std::string LetterChoice::query() const {
    std::string text = "?limit=500";
    const std::pair<const char*, const std::string*> parts[] = {
        {"cause", &cause}, {"tenant", &tenant}, {"since", &since}, {"until", &until}, {"status", &status}};
    for (const auto& [name, value] : parts)
        if (!value->empty()) text += fmt::format("&{}={}", name, http::percent_encode(*value));
    return text;
}

void for_each_letter(const LetterPlace& place, const LetterChoice& choice,
                     const std::function<bool(const json::object&)>& take) {
    std::unique_ptr<Folder> folder;
    if (!place.data_dir.empty()) folder = std::make_unique<Folder>(place);
    std::string next = "/api/v1/deadletters" + choice.query();
    while (!next.empty() && interrupts() == 0) {
        const HttpReply reply = folder ? folder->get(next) : ask(place, next);
        if (reply.status != 200) throw CommandError(kFailed, problem_text(reply));
        const json::value page = parsed(reply.body, "the appliance's answer");
        for (const json::value& item : page.at("items").as_array())
            if (!take(item.as_object())) return;
        const json::value& following = page.at("next");
        next = following.is_string() ? std::string(following.get_string()) : std::string();
    }
}

json::object one_letter(const LetterPlace& place, uint64_t seq) {
    const std::string target = fmt::format("/api/v1/deadletters/{}", seq);
    const HttpReply reply = place.data_dir.empty() ? ask(place, target) : Folder(place).get(target);
    if (reply.status != 200) throw CommandError(kFailed, problem_text(reply));
    return parsed(reply.body, "the appliance's answer").as_object();
}

std::string problem_text(const HttpReply& reply) {
    json::error_code failed;
    const json::value v = json::parse(reply.body, failed);
    if (!failed && v.is_object() && v.get_object().contains("detail") && v.at("detail").is_string()) {
        const auto* title = v.get_object().if_contains("title");
        return fmt::format("{}: {}",
                           title && title->is_string() ? std::string_view(title->get_string()) : "refused",
                           std::string_view(v.at("detail").get_string()));
    }
    return fmt::format("the appliance answers with status {}", reply.status);
}

}  // namespace penstock::cli
