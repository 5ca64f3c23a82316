// penstock regions: where events are stored, while the appliance runs.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <thread>

#include "admin/cli/commands.h"
#include "admin/cli/json_members.h"
#include "admin/cli/place.h"
#include "admin/cli/terminal.h"

namespace penstock::cli {
namespace {

namespace json = boost::json;

constexpr auto kLook = std::chrono::milliseconds(250);

struct Flags {
    Place place;
    std::string name, by;
    std::optional<std::string> dsn_file, read_dsn_file, payload, key_file;
    std::vector<std::string> aliases;
    uint64_t wait_s = 0;

    std::string address(const std::string& below = "") const { return "/api/v1/regions/" + name + below; }
    std::string author() const { return by.empty() ? user_at_host() : by; }
    json::object facts() const;
};

/// A connection string often holds a password: never on a command line, which other users see.
std::string dsn_in(const std::string& file) {
    std::string text;
    if (file == "-") {
        text.assign(std::istreambuf_iterator<char>(std::cin), {});
    } else {
        std::ifstream in(file);
        if (!in) throw CommandError(kUsage, fmt::format("cannot read {}", file));
        text.assign(std::istreambuf_iterator<char>(in), {});
    }
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    return text;
}

json::object Flags::facts() const {
    json::object body{{"by", author()}};
    if (dsn_file) body["dsn"] = dsn_in(*dsn_file);
    if (read_dsn_file) body["read_dsn"] = dsn_in(*read_dsn_file);
    if (payload) body["payload"] = *payload;
    if (key_file) body["key_file"] = *key_file;
    if (!aliases.empty()) body["aliases"] = json::value_from(aliases);
    return body;
}

std::string region_text(const json::object& r) {
    const bool has_database = r.contains("has_database") && r.at("has_database").as_bool();
    std::string out =
        fmt::format("{:<12}  {:<8}  {:<13}", text_at(r, "name"), text_at(r, "state"), text_at(r, "origin"));
    out += has_database
               ? fmt::format("  {} stored, {} waiting", number_at(r, "stored"), number_at(r, "waiting"))
               : "  no database";
    if (text_at(r, "payload") == "stays") out += "  payload stays";
    if (r.contains("sealed") && r.at("sealed").as_bool()) out += "  sealed";
    if (const uint64_t items = number_at(r, "open_items")) out += fmt::format("  {} open items", items);
    if (const std::string error = text_at(r, "error"); !error.empty()) out += "\n              " + error;
    for (char& c : out)
        if (c != '\n' && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)) c = ' ';
    return out + "\n";
}

std::shared_ptr<Flags> add_command(CLI::App& parent, const char* name, const char* help, const char* footer,
                                   CLI::App*& command) {
    auto flags = std::make_shared<Flags>();
    command = parent.add_subcommand(name, help);
    command->footer(footer);
    command->add_option("NAME", flags->name, "the region")->required();
    command->add_option("--by", flags->by, "who changes it; without it user@host");
    flags->place.add_to(*command);
    return flags;
}

void add_facts(CLI::App& command, Flags& flags) {
    command.add_option("--dsn-file", flags.dsn_file,
                       "a file with the libpq connection string of its database; -: standard input");
    command.add_option("--read-dsn-file", flags.read_dsn_file, "as --dsn-file, of a role that may only read");
    command.add_option("--alias", flags.aliases, "another name that events may use; may be repeated");
    command.add_option("--payload", flags.payload, "stays: queries over more than it show no payload of it")
        ->check(CLI::IsMember({"leaves", "stays"}));
    command.add_option("--key-file", flags.key_file,
                       "on the appliance's host: the key that seals what it keeps of the region's events");
}

void add_list(CLI::App& parent, int& exit_code) {
    auto place = std::make_shared<Place>();
    CLI::App* command = parent.add_subcommand("list", "All regions, and how they stand");
    command->footer("Example:\n  penstock regions list");
    place->add_to(*command);
    command->callback([place, &exit_code] {
        for (const json::value& item : list_at(place->get("/api/v1/regions"), "items"))
            print(place->output.json() ? json::serialize(item) + "\n" : region_text(item.as_object()));
        exit_code = kOk;
    });
}

void add_add(CLI::App& parent, int& exit_code) {
    CLI::App* command = nullptr;
    auto flags = add_command(parent, "add", "Take events of one more region",
                             "Example:\n  penstock regions add mena --alias me --dsn-file mena.dsn", command);
    add_facts(*command, *flags);
    command->callback([flags, &exit_code] {
        json::object body = flags->facts();
        body["name"] = flags->name;
        const json::object done = flags->place.post("/api/v1/regions", body);
        flags->place.show(done, region_text(done));
        exit_code = kOk;
    });
}

void add_change(CLI::App& parent, int& exit_code) {
    CLI::App* command = nullptr;
    auto flags = add_command(parent, "change", "Another database, other aliases; what is left out stays",
                             "Example:\n  penstock regions change mena --dsn-file new.dsn", command);
    add_facts(*command, *flags);
    command->callback([flags, &exit_code] {
        const json::object done = flags->place.patch(flags->address(), flags->facts());
        flags->place.show(done, region_text(done));
        exit_code = kOk;
    });
}

void add_drain(CLI::App& parent, int& exit_code) {
    CLI::App* command = nullptr;
    auto flags =
        add_command(parent, "drain", "Take no new events of a region; store what it has yet to get",
                    "New events that name it become dead letters (region_draining).\n\n"
                    "Example:\n  penstock regions drain latam --wait 600\n\n"
                    "Exit codes: 0 it drains (with --wait: it has drained), 1 refused or not in time.",
                    command);
    command->add_option("--wait", flags->wait_s, "seconds to wait until its database has all");
    command->callback([flags, &exit_code] {
        json::object region = flags->place.post(flags->address("/drain"), {{"by", flags->author()}});
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(flags->wait_s);
        while (text_at(region, "state") == "draining" && std::chrono::steady_clock::now() < until) {
            std::this_thread::sleep_for(kLook);
            region = flags->place.get(flags->address());
        }
        flags->place.show(region, region_text(region));
        exit_code = flags->wait_s > 0 && text_at(region, "state") != "drained" ? kFailed : kOk;
    });
}

void add_resume(CLI::App& parent, int& exit_code) {
    CLI::App* command = nullptr;
    auto flags = add_command(parent, "resume", "Take events of a draining region again", "", command);
    command->callback([flags, &exit_code] {
        const json::object done = flags->place.post(flags->address("/resume"), {{"by", flags->author()}});
        flags->place.show(done, region_text(done));
        exit_code = kOk;
    });
}

void add_remove(CLI::App& parent, int& exit_code) {
    CLI::App* command = nullptr;
    auto flags =
        add_command(parent, "remove", "Forget a region that has drained; its database stays as it is",
                    "Example:\n  penstock regions remove mena", command);
    command->callback([flags, &exit_code] {
        const json::object done = flags->place.remove(flags->address());
        flags->place.show(done, region_text(done));
        exit_code = kOk;
    });
}

}  // namespace

void add_regions(CLI::App& app, int& exit_code) {
    CLI::App* command =
        app.add_subcommand("regions", "Where events are stored: add, drain, remove, compare with the log");
    command->require_subcommand(1);
    add_list(*command, exit_code);
    add_add(*command, exit_code);
    add_change(*command, exit_code);
    add_drain(*command, exit_code);
    add_resume(*command, exit_code);
    add_remove(*command, exit_code);
    add_regions_verify(*command, exit_code);
}

}  // namespace penstock::cli
