// penstock user, session and key: who may ask the appliance, and what.
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <utility>

#include "admin/cli/commands.h"
#include "admin/cli/json_members.h"
#include "admin/cli/place.h"
#include "admin/http/text.h"
#include "pipeline/api_key.h"
#include "pipeline/password.h"

namespace penstock::cli {
namespace {

namespace json = boost::json;

/// A line of stdin; a terminal does not show it.
std::string read_password() {
    const bool terminal = isatty(STDIN_FILENO) == 1;
    termios before{};
    if (terminal) {
        tcgetattr(STDIN_FILENO, &before);
        termios silent = before;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
        fmt::print(stderr, "Password: ");
    }
    std::string password;
    std::getline(std::cin, password);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fmt::print(stderr, "\n");
    }
    if (password.empty()) throw CommandError(kUsage, "no password was given on stdin");
    return password;
}

std::string joined(const json::object& o, std::string_view name) {
    std::string out;
    for (const json::value& v : list_at(o, name))
        if (v.is_string()) out += (out.empty() ? "" : ",") + one_line(std::string(v.get_string()));
    return out.empty() ? "all" : out;
}

std::string user_line(const json::object& u) {
    return fmt::format("{:<5} {:<24} {:<10} {:<8} {:<16} {}\n", number_at(u, "user"),
                       one_line(text_at(u, "name")), text_at(u, "role"),
                       !flag_at(u, "enabled") ? "disabled"
                       : flag_at(u, "active") ? "active"
                                              : "away",
                       joined(u, "regions"), one_line(text_at(u, "display_name")));
}

std::string key_line(const json::object& k) {
    return fmt::format("{:<16} {:<24} {:<10} {:<16} {}\n", one_line(text_at(k, "id")),
                       one_line(text_at(k, "name")), text_at(k, "role"), joined(k, "regions"),
                       joined(k, "tenants"));
}

std::string session_line(const json::object& s) {
    return fmt::format("{}  {:<20} opened {}  seen {}  {}\n", text_at(s, "id"), one_line(text_at(s, "user")),
                       short_time(text_at(s, "opened")), short_time(text_at(s, "seen")),
                       one_line(text_at(s, "peer")));
}

void add_listing(CLI::App& parent, int& exit_code, const char* what, const char* target,
                 std::string (*line)(const json::object&)) {
    auto place = std::make_shared<Place>();
    CLI::App* command = parent.add_subcommand("list", what);
    place->add_to(*command);
    command->callback([place, target, line, &exit_code] {
        const json::object all = place->get(target);
        std::string text;
        for (const json::value& item : list_at(all, "items"))
            if (item.is_object()) text += line(item.get_object());
        place->show(all, text);
        exit_code = kOk;
    });
}

/// What a user, or a key, may see and do.
struct Rights {
    std::string role;
    std::vector<std::string> regions, tenants;
    void add_to(CLI::App& command, bool required) {
        CLI::Option* option = command.add_option("--role", role, "viewer, operator, supervisor or admin");
        if (required) option->required();
        command.add_option("--region", regions, "a region to be seen; without it all")->delimiter(',');
        command.add_option("--tenant", tenants, "a tenant to be seen; without it all")->delimiter(',');
    }
    json::object body() const {
        json::object out;
        if (!role.empty()) out["role"] = role;
        if (!regions.empty()) out["regions"] = json::value_from(regions);
        if (!tenants.empty()) out["tenants"] = json::value_from(tenants);
        return out;
    }
};

void show_secret(const Place& place, const json::object& made, const char* member,
                 std::string (*line)(const json::object&)) {
    if (!place.output.json() && made.contains(member))
        fmt::print(stderr, "The {}, shown this once:\n", member);
    place.show(made, (made.contains(member) ? text_at(made, member) + "\n" : "") + line(made));
}

void add_user_add(CLI::App& parent, int& exit_code) {
    struct Flags {
        Place place;
        Rights rights;
        std::string name, display_name, email;
        std::vector<std::string> skills;
        bool password = false, token = false;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = parent.add_subcommand("add", "Make a user");
    command->footer("Example:\n  penstock user add ann --role operator --region eu --password < password");
    command->add_option("NAME", flags->name, "what the user signs in with")->required();
    flags->rights.add_to(*command, true);
    command->add_option("--display-name", flags->display_name, "for people");
    command->add_option("--email", flags->email, "where assignments are told");
    command->add_option("--skill", flags->skills, "what the user can decide")->delimiter(',');
    command->add_flag("--password", flags->password, "a password; it is read from stdin");
    command->add_flag("--token", flags->token, "a token for the address http://HOST/TOKEN, shown once");
    flags->place.add_to(*command);
    command->callback([flags, &exit_code] {
        json::object body = flags->rights.body();
        body["name"] = flags->name;
        if (!flags->display_name.empty()) body["display_name"] = flags->display_name;
        if (!flags->email.empty()) body["email"] = flags->email;
        if (!flags->skills.empty()) body["skills"] = json::value_from(flags->skills);
        if (flags->password) body["password"] = read_password();
        if (flags->token) body["token"] = true;
        show_secret(flags->place, flags->place.post("/api/v1/users", body), "token", user_line);
        exit_code = kOk;
    });
}

void add_user_change(CLI::App& parent, int& exit_code, const char* name, const char* what,
                     json::object (*body)()) {
    struct Flags {
        Place place;
        std::string user;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = parent.add_subcommand(name, what);
    command->add_option("NAME", flags->user, "the user's name or number")->required();
    flags->place.add_to(*command);
    command->callback([flags, body, &exit_code] {
        const json::object done =
            flags->place.patch("/api/v1/users/" + http::percent_encode(flags->user), body());
        show_secret(flags->place, done, "token", user_line);
        exit_code = kOk;
    });
}

void add_user_hash(CLI::App& parent, int& exit_code) {
    auto token = std::make_shared<bool>(false);
    CLI::App* command = parent.add_subcommand("hash", "The hash of a password, for a [[user]] section");
    command->footer("Example:\n  penstock user hash < password\n  penstock user hash --token");
    command->add_flag("--token", *token, "make a token, show it once, and its hash");
    command->callback([token, &exit_code] {
        if (*token) {
            const std::string made = make_api_key().substr(3);
            fmt::print(stderr, "The token, shown this once: {}\n", made);
            print(fmt::format("token_hash = \"{}\"\n", hash_api_key(made)));
        } else {
            print(fmt::format("password_hash = \"{}\"\n", hash_password(read_password())));
        }
        exit_code = kOk;
    });
}

/// By DELETE, or by POST with nothing to say.
void add_deed(CLI::App& parent, int& exit_code, const char* name, const char* what, const char* argument,
              std::string (*target)(const std::string&), bool removes) {
    struct Flags {
        Place place;
        std::string id;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = parent.add_subcommand(name, what);
    command->add_option(argument, flags->id, "as `list` shows it")->required();
    flags->place.add_to(*command);
    command->callback([flags, target, removes, &exit_code] {
        const std::string address = target(http::percent_encode(flags->id));
        const json::object done = removes ? flags->place.remove(address) : flags->place.post(address, {});
        if (removes)
            flags->place.show(done, "");
        else
            show_secret(flags->place, done, "key", key_line);
        exit_code = kOk;
    });
}

}  // namespace

void add_user(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand("user", "People who sign in");
    command->require_subcommand(1);
    add_listing(*command, exit_code, "All users", "/api/v1/users", user_line);
    add_user_add(*command, exit_code);
    add_user_change(*command, exit_code, "set-password", "Set a password, read from stdin",
                    [] { return json::object{{"password", read_password()}}; });
    add_user_change(*command, exit_code, "new-token", "Make a new token, shown once; the old one ends",
                    [] { return json::object{{"token", true}}; });
    add_user_change(*command, exit_code, "disable", "Let nobody in by this name, and end its sessions",
                    [] { return json::object{{"enabled", false}}; });
    add_user_change(*command, exit_code, "enable", "Let a disabled user in again",
                    [] { return json::object{{"enabled", true}}; });
    add_deed(
        *command, exit_code, "remove", "Forget a user", "NAME",
        [](const std::string& id) { return "/api/v1/users/" + id; }, true);
    add_user_hash(*command, exit_code);
}

void add_session(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand("session", "Who has signed in");
    command->require_subcommand(1);
    add_listing(*command, exit_code, "Open sessions", "/api/v1/sessions", session_line);
    add_deed(
        *command, exit_code, "revoke", "End a session now", "ID",
        [](const std::string& id) { return "/api/v1/sessions/" + id; }, true);
}

void add_key(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand("key", "API keys of programs");
    command->require_subcommand(1);
    add_listing(*command, exit_code, "All keys, without their secrets", "/api/v1/keys", key_line);
    struct Flags {
        Place place;
        Rights rights;
        std::string name;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* add = command->add_subcommand("add", "Make a key; it is shown once");
    add->footer("Example:\n  penstock key add wallboard --role viewer --region eu");
    add->add_option("NAME", flags->name, "of the program")->required();
    flags->rights.add_to(*add, true);
    flags->place.add_to(*add);
    add->callback([flags, &exit_code] {
        json::object body = flags->rights.body();
        body["name"] = flags->name;
        show_secret(flags->place, flags->place.post("/api/v1/keys", body), "key", key_line);
        exit_code = kOk;
    });
    add_deed(
        *command, exit_code, "rotate", "Make a new secret, shown once; the old one ends", "ID",
        [](const std::string& id) { return "/api/v1/keys/" + id + "/rotate"; }, false);
    add_deed(
        *command, exit_code, "revoke", "End a key now", "ID",
        [](const std::string& id) { return "/api/v1/keys/" + id; }, true);
}

}  // namespace penstock::cli
