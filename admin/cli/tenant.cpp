// penstock tenant: who may send, while the appliance runs.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <memory>
#include <optional>

#include "admin/cli/commands.h"
#include "admin/cli/json_members.h"
#include "admin/cli/place.h"
#include "admin/cli/terminal.h"

namespace penstock::cli {
namespace {

namespace json = boost::json;

struct Flags {
    Place place;
    std::string name, by;
    std::optional<std::string> region;
    std::optional<uint64_t> rate_limit, burst;
    uint64_t key = 0;

    std::string author() const { return by.empty() ? user_at_host() : by; }
    std::string address(const std::string& below = "") const { return "/api/v1/tenants/" + name + below; }
    json::object settings() const {
        json::object body{{"by", author()}};
        if (region) body["region"] = *region;
        if (rate_limit) body["rate_limit"] = *rate_limit;
        if (burst) body["burst"] = *burst;
        return body;
    }
};

std::string tenant_text(const json::object& t) {
    std::string out = fmt::format("{:>5}  {:<20}  {:<8}  {}", number_at(t, "id"), text_at(t, "name"),
                                  t.at("enabled").as_bool() ? "enabled" : "disabled", text_at(t, "origin"));
    if (const std::string region = text_at(t, "region"); !region.empty()) out += "  region " + region;
    if (const uint64_t rate = number_at(t, "rate_limit")) {
        out += fmt::format("  {}/s", rate);
        if (const uint64_t burst = number_at(t, "burst")) out += fmt::format(" burst {}", burst);
    }
    for (const json::value& key : list_at(t, "keys"))
        if (const uint64_t id = number_at(key.as_object(), "id"))
            out += fmt::format("\n       key {}  made {} UTC by {}", id,
                               short_time(text_at(key.as_object(), "made")), text_at(key.as_object(), "by"));
    std::string lines = out + "\n";
    for (char& c : lines)
        if (c != '\n' && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)) c = ' ';
    return lines;
}

/// The answer of a command that made a key: the key on stdout, the rest beside it.
void show_key(const Flags& flags, const json::object& answer) {
    if (!flags.place.output.json())
        fmt::print(stderr,
                   "The key, shown this once; give it to the producer (--api-key-file, PENSTOCK_API_KEY):\n");
    flags.place.show(answer, text_at(answer, "key") + "\n");
}

std::shared_ptr<Flags> add_command(CLI::App& parent, const char* name, const char* help, const char* footer,
                                   CLI::App*& command) {
    auto flags = std::make_shared<Flags>();
    command = parent.add_subcommand(name, help);
    command->footer(footer);
    command->add_option("NAME", flags->name, "the tenant")->required();
    command->add_option("--by", flags->by, "who changes it; without it user@host");
    flags->place.add_to(*command);
    return flags;
}

void add_limits(CLI::App& command, Flags& flags) {
    command.add_option("--rate-limit", flags.rate_limit, "events a second; 0: none");
    command.add_option("--burst", flags.burst, "events at once above it; 0: those of one second");
}

void add_list(CLI::App& parent, int& exit_code) {
    auto place = std::make_shared<Place>();
    CLI::App* command = parent.add_subcommand("list", "All tenants, those of the configuration too");
    command->footer("Example:\n  penstock tenant list");
    place->add_to(*command);
    command->callback([place, &exit_code] {
        for (const json::value& item : list_at(place->get("/api/v1/tenants"), "items"))
            print(place->output.json() ? json::serialize(item) + "\n" : tenant_text(item.as_object()));
        exit_code = kOk;
    });
}

void add_add(CLI::App& parent, int& exit_code) {
    CLI::App* command = nullptr;
    auto flags = add_command(parent, "add", "Make a tenant, with a first key",
                             "Example:\n  penstock tenant add acme --region eu --rate-limit 5000", command);
    command->add_option("--region", flags->region, "of its events that name none");
    add_limits(*command, *flags);
    command->callback([flags, &exit_code] {
        json::object body = flags->settings();
        body["name"] = flags->name;
        show_key(*flags, flags->place.post("/api/v1/tenants", body));
        exit_code = kOk;
    });
}

void add_switch(CLI::App& parent, int& exit_code, const char* name, const char* help, bool enabled) {
    CLI::App* command = nullptr;
    auto flags = add_command(parent, name, help, "", command);
    command->callback([flags, enabled, &exit_code] {
        const json::object done =
            flags->place.patch(flags->address(), {{"enabled", enabled}, {"by", flags->author()}});
        flags->place.show(done, tenant_text(done));
        exit_code = kOk;
    });
}

void add_limit(CLI::App& parent, int& exit_code) {
    CLI::App* command = nullptr;
    auto flags =
        add_command(parent, "limit", "Change a tenant's limits and its region, for what comes from now",
                    "Example:\n  penstock tenant limit acme --rate-limit 20000 --burst 50000", command);
    command->add_option("--region", flags->region, "of its events that name none; \"\": the default");
    add_limits(*command, *flags);
    command->callback([flags, &exit_code] {
        const json::object done = flags->place.patch(flags->address(), flags->settings());
        flags->place.show(done, tenant_text(done));
        exit_code = kOk;
    });
}

void add_keys(CLI::App& parent, int& exit_code) {
    CLI::App* keys = parent.add_subcommand("key", "A tenant's API keys");
    keys->require_subcommand(1);
    CLI::App* command = nullptr;
    auto made = add_command(*keys, "add", "One more key; the others go on",
                            "Example:\n  penstock tenant key add acme > acme.key", command);
    command->callback([made, &exit_code] {
        show_key(*made, made->place.post(made->address("/keys"), {{"by", made->author()}}));
        exit_code = kOk;
    });
    auto gone = add_command(*keys, "revoke", "End a key now, and the connections that it opened",
                            "Example:\n  penstock tenant key revoke acme 20417", command);
    command->add_option("KEY", gone->key, "its id, as `penstock tenant list` shows")->required();
    command->callback([gone, &exit_code] {
        const json::object done = gone->place.remove(gone->address(fmt::format("/keys/{}", gone->key)));
        gone->place.show(done, tenant_text(done));
        exit_code = kOk;
    });
}

}  // namespace

void add_tenant(CLI::App& app, int& exit_code) {
    CLI::App* command =
        app.add_subcommand("tenant", "Who may send: make, limit, disable tenants, rotate keys");
    command->require_subcommand(1);
    add_list(*command, exit_code);
    add_add(*command, exit_code);
    add_switch(*command, exit_code, "enable", "Let a tenant send again", true);
    add_switch(*command, exit_code, "disable", "Close a tenant's connections and refuse its keys", false);
    add_limit(*command, exit_code);
    add_keys(*command, exit_code);
}

}  // namespace penstock::cli
