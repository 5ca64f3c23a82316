// The configuration's own words: the commented default file and the tables of docs/configuration.md.
#include <fmt/format.h>

#include "admin/config_keys.h"

namespace penstock {
namespace {

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

/// `text` as comment lines of at most 110 columns.
std::string comment(std::string_view text) {
    std::string out;
    std::string line = "#";
    while (!text.empty()) {
        const size_t space = std::min(text.find(' '), text.size());
        const std::string_view word = text.substr(0, space);
        if (line.size() + 1 + word.size() > 110) {
            out += line + "\n";
            line.assign(1, '#');
        }
        line += ' ';
        line += word;
        text.remove_prefix(std::min(space + 1, text.size()));
    }
    return out + line + "\n";
}

std::string explain(const ConfigKey& key) {
    std::string text(key.help);
    if (key.kind == ValueKind::kChoice) text += " One of: " + key.type() + ".";
    if (key.kind == ValueKind::kBytes) text += " Bytes, or a size such as \"512MiB\".";
    if (key.kind == ValueKind::kCount && !key.unit().empty()) text += " In " + key.unit() + ".";
    return text;
}

std::string range(const ConfigKey& key) {
    if (key.kind == ValueKind::kCount) return fmt::format("{} to {}", key.min, key.max);
    if (key.kind == ValueKind::kBytes)
        return fmt::format("{} to {}", format_bytes(key.min), format_bytes(key.max));
    return "";
}

constexpr std::string_view kRepeatedSections = R"(
# The regions and their PostgreSQL databases. [[region]] sections replace the default five, which are these
# without a dsn. A region without a dsn keeps its events in the log until it is given one.
#
# [[region]]
# name = "us"
# aliases = ["na"]
# dsn = "host=/run/postgresql dbname=penstock_us"
#
# [[region]]
# name = "eu"
# dsn = "host=db.eu.example port=5432 dbname=penstock user=penstock sslmode=verify-full"

# Tenants beside `default` (which has no key and may connect from loopback only).
# `penstock tenant-key acme` makes a key and the line for key_hash.
#
# [[tenant]]
# name = "acme"
# key_hash = "blake2b:0000000000000000000000000000000000000000000000000000000000000000"
# region = "eu"
# rate_limit = 50000
# burst = 100000

# People who sign in, beside those made with `penstock user add` (docs/access.md).
#
# [[user]]
# name = "ann"
# display_name = "Ann Lee"
# role = "supervisor"
# regions = ["eu"]
# skills = ["fire"]
# email = "ann@example.org"
# password_hash = "$argon2id$..."

# Columns of a CSV file that are added to the events whose subject, source, type or data field is its key.
#
# [[enrich.lookup]]
# file = "cameras.csv"
# match = "subject"
# reload_s = 5

# Where notifications go (docs/notifications.md). A file keeps secrets out of here; so does the environment:
# PENSTOCK_NOTIFY_ONCALL_SECRETS, PENSTOCK_NOTIFY_OPS_MAIL_PASSWORD.
#
# [[notify.target]]
# name = "oncall"
# kind = "webhook"
# url = "https://hooks.example.org/penstock"
# secret_file = "oncall.secret"
#
# [[notify.target]]
# name = "ops-mail"
# kind = "mail"
# host = "smtp.example.org"
# from = "penstock@example.org"
# to = ["ops@example.org"]
# user = "penstock"
# password_file = "smtp.password"

# While one alert hides others, only it is told; and whom to tell when nobody takes an alert (docs/alerts.md).
#
# [[alerts.inhibit]]
# source = { workflow = "uplink", severity_at_least = 4 }
# target = { workflow = "cameras" }
# equal = ["tenant"]
#
# [[alerts.escalation]]
# name = "night"
# steps = [{ after = "15m", targets = ["oncall"] }, { after = "1h", targets = ["ops-mail"] }]
# ack_timeout = "2h"

# Events and alerts that a person decides (docs/review.md).
#
# [[review.queue]]
# name = "cameras"
# types = ["intrusion_detection", "face_detection"]
# condition = "severity >= 4 && data.confidence < 0.9"
# due = "15m"
#
# [[review.queue]]
# name = "alerts"
# alerts = true
# severity_at_least = 4
# skills = ["trading"]

# Types that are stored under another name.
#
# [enrich.type_aliases]
# "Motion" = "motion_detection"
)";

}  // namespace

std::string toml_value(const ConfigKey& key, const Config& config) {
    // The accessors take a mutable Config because the loader writes through them; nothing is written here.
    auto& readable = const_cast<Config&>(config);
    if (const auto* text = std::get_if<0>(&key.field)) {
        const std::string& value = *(*text)(readable);
        return key.takes_flags() && (value == "true" || value == "false") ? value : quoted(value);
    }
    if (const auto* number = std::get_if<1>(&key.field)) {
        const uint64_t value = *(*number)(readable);
        if (key.kind == ValueKind::kBytes && value >= 1024 && value % 1024 == 0)
            return quoted(format_bytes(value));
        return std::to_string(value);
    }
    std::string list;
    for (const std::string& item : *std::get<2>(key.field)(readable))
        list += (list.empty() ? "" : ", ") + quoted(item);
    return "[" + list + "]";
}

std::string default_config_text() {
    const Config defaults;
    std::string out =
        "# penstock.toml: every key with its default. A line taken out changes nothing.\n"
        "# The environment (PENSTOCK_INGEST_LISTEN=...) wins over this file, `--set ingest.listen=...` over "
        "both.\n"
        "# Relative paths are taken from this file's folder. Check with: penstock check-config --config "
        "FILE\n\n";
    std::string_view section;
    for (const ConfigKey& key : config_keys()) {
        if (key.section != section) {
            section = key.section;
            out += fmt::format("[{}]\n", section);
        }
        out += comment(explain(key));
        out += fmt::format("{} = {}\n\n", key.key, toml_value(key, defaults));
    }
    out.pop_back();
    return out + std::string(kRepeatedSections);
}

std::string config_reference_markdown() {
    const Config defaults;
    std::string out;
    std::string_view section = "?";
    for (const ConfigKey& key : config_keys()) {
        if (key.section != section) {
            section = key.section;
            out += section.empty() ? "### top of the file\n" : fmt::format("\n### [{}]\n", section);
            out += "| key | type | unit | default | allowed | meaning |\n|---|---|---|---|---|---|\n";
        }
        out += fmt::format("| `{}` | {} | {} | `{}` | {} | {} |\n", key.key, key.type(), key.unit(),
                           toml_value(key, defaults), range(key), key.help);
    }
    section = "?";
    for (const ListKey& key : list_keys()) {
        if (key.section != section) {
            section = key.section;
            out += fmt::format("\n### {}\n| key | type | required | meaning |\n|---|---|---|---|\n", section);
        }
        out += fmt::format("| `{}` | {} | {} | {} |\n", key.key, key.type, key.required ? "yes" : "no",
                           key.help);
    }
    return out;
}

}  // namespace penstock
