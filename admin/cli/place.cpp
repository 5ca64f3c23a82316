#include "admin/cli/place.h"

#include <pwd.h>
#include <unistd.h>

#include "admin/cli/json_members.h"
#include "admin/cli/letter_source.h"
#include "admin/cli/terminal.h"

namespace penstock::cli {

namespace json = boost::json;

namespace {

json::object checked(const HttpReply& reply) {
    json::error_code failed;
    json::value answer = json::parse(reply.body, failed);
    const bool is_object = !failed && answer.is_object();
    if (reply.status < 200 || reply.status > 299) {
        if (is_object)
            for (const json::value& fault : list_at(answer.get_object(), "faults"))
                if (fault.is_object())
                    fmt::print(stderr, "{}: {}\n", one_line(text_at(fault.get_object(), "pointer")),
                               one_line(text_at(fault.get_object(), "what")));
        throw CommandError(kFailed, problem_text(reply));
    }
    if (!is_object) throw CommandError(kFailed, "the appliance's answer is no JSON object");
    return std::move(answer.get_object());
}

}  // namespace

std::string one_line(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return text;
}

std::string short_time(const std::string& time) {
    return time.size() < 19 ? time : time.substr(0, 10) + " " + time.substr(11, 8);
}

std::string user_at_host() {
    const passwd* user = getpwuid(geteuid());
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    return fmt::format("{}@{}", user ? std::string(user->pw_name) : std::to_string(geteuid()), host);
}

void Place::add_to(CLI::App& command) {
    server.add_to(command);
    config.add_to(command);
    output.add_to(command);
}

json::object Place::get(const std::string& target) const {
    return checked(http_get(appliance_at(server, "--server", config), target));
}

json::object Place::post(const std::string& target, const json::object& body) const {
    return post_text(target, json::serialize(body));
}

json::object Place::post_text(const std::string& target, const std::string& body) const {
    return checked(http_post(appliance_at(server, "--server", config), target, body));
}

json::object Place::patch(const std::string& target, const json::object& body) const {
    return checked(http_patch(appliance_at(server, "--server", config), target, json::serialize(body)));
}

json::object Place::remove(const std::string& target) const {
    return checked(http_delete(appliance_at(server, "--server", config), target));
}

void Place::show(const json::object& answer, const std::string& text) const {
    print(output.json() ? json::serialize(answer) + "\n" : text);
}

}  // namespace penstock::cli
