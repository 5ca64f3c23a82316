// How a Config comes about: file, environment, flags, then the checks that look at several keys. Faults are
// gathered, never thrown one by one. Used by load_config only; one object a load, one thread.
#pragma once

#include <toml++/toml.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "admin/config.h"
#include "admin/config_keys.h"

namespace penstock {

class ConfigLoader {
  public:
    void read_file(const std::string& path);
    /// Entries "PENSTOCK_NAME=value"; an empty value counts as not set.
    void read_environment(const std::vector<std::string>& variables);
    void read_flags(const std::map<std::string, std::string>& flags);
    /// What can only be judged when all is read.
    void check();

    /// Throws ConfigError with a line for each fault, those of the file first and in its order.
    void throw_if_faulty() const;
    const Config& config() const { return config_; }
    ConfigNotes notes() const;

  private:
    /// Where a value came from. Sorted in the order in which the sources are read.
    struct Origin {
        enum class Source : uint8_t { kFile, kEnvironment, kFlag, kDefault } source = Source::kDefault;
        uint32_t line = 0;  ///< of the file
        std::string text;  ///< "penstock.toml:12", "PENSTOCK_INGEST_LISTEN", "--set ingest.listen", "default"
    };
    struct Fault {
        Origin origin;
        std::string text;
    };

    Origin at(const toml::node& node) const { return at_line(node.source().begin.line); }
    Origin at(const toml::key& key) const { return at_line(key.source().begin.line); }
    Origin at_line(uint32_t line) const;
    const Origin& origin_of(const std::string& key) const;
    void fault(const Origin& origin, std::string_view key, std::string_view text);
    void warn(const Origin& origin, std::string_view key, std::string_view text);

    // The file (config_file.cpp).
    void read_section(std::string_view section, const toml::table& table);
    void read_node(const ConfigKey& key, const toml::node& node);
    void read_regions(const toml::node& node);
    void read_tenants(const toml::node& node);
    struct CountRange {
        uint64_t min, max;
        std::string_view unit;  ///< " seconds"
    };
    /// Of a section that may come several times. `otherwise`: where it is absent, or at fault.
    uint64_t count_of(const toml::table& table, std::string_view name, const std::string& prefix,
                      const CountRange& range, uint64_t otherwise);
    void read_users(const toml::node& node);  // config_access.cpp
    void read_lookups(const toml::node& node);
    void read_type_aliases(const toml::node& node);
    bool flag_of(const toml::table& table, std::string_view name, const std::string& prefix, bool otherwise);
    void read_notify(const toml::node& node);  // config_notify.cpp
    void read_notify_target(const toml::table& table);
    void read_grouping(const toml::table& table, const std::string& prefix, Config::NotifyTarget& target);
    void read_inhibit(const toml::node& node);  // config_alerts.cpp
    void read_escalation(const toml::node& node);
    void read_review_queues(const toml::node& node);  // config_review.cpp
    void read_steps(const toml::node& node, const std::string& name, Config::Alerts::Escalation& ladder);
    Config::Alerts::Matcher read_matcher(const toml::table& table, std::string_view key,
                                         const std::string& prefix);
    /// In nanoseconds, longer than 0; otherwise 0 and a fault.
    int64_t duration_of(const toml::table& table, std::string_view key, const std::string& prefix);
    /// A repeated section's tables, with faults for what is not one, and for unknown and missing keys.
    std::vector<const toml::table*> tables(std::string_view section, const toml::node& node);
    std::string text_of(const toml::table& table, std::string_view key, const std::string& name);
    void text_list(const toml::node& node, const std::string& name, std::vector<std::string>& out);
    std::string from_folder(const std::string& path) const;

    // The environment and flags.
    void read_text(const ConfigKey& key, const std::string& value, const Origin& origin);
    void set_dsn(std::string_view region_name, const std::string& value, const Origin& origin,
                 bool upper_case);
    /// PENSTOCK_NOTIFY_<NAME>_URL, _SECRETS, _PASSWORD. False: of another form.
    bool set_notify(std::string_view variable, const std::string& value, const Origin& origin);
    void fault_range(const ConfigKey& key, const std::string& value, const Origin& origin);
    void store_number(const ConfigKey& key, uint64_t value, const Origin& origin);

    // Checks (config_check.cpp).
    void check_values();
    void check_regions();
    void check_dsn(const std::string& text, const std::string& key);
    void check_tenants();
    void check_enrich();
    void check_notify();
    void check_alerts();
    void check_review();
    void check_webhook(const Config::NotifyTarget& target, const std::string& prefix);
    void check_mail(const Config::NotifyTarget& target, const std::string& prefix);
    /// The file's text; a fault where it cannot be read, a warning where every user of this host can.
    std::string secret_text(const std::string& file, const std::string& key);
    void warn_if_readable(const std::string& key, std::string_view what, std::string_view instead);
    void check_access();
    void check_users();
    void check_files();
    void check_tls(std::string_view section, const std::string& listen, const Config::Tls& tls);
    bool is_region(const std::string& name) const;

    Config config_;
    std::string path_, folder_;
    bool world_readable_ = false;
    std::map<std::string, Origin, std::less<>> origins_;  ///< by key: "ingest.listen", "region[0].dsn"
    std::vector<Fault> faults_;
    std::vector<std::string> warnings_;
};

/// Lower case letters, digits, _ and -; 1 to 64 of them.
bool is_name(std::string_view name);
inline constexpr std::string_view kNameRule =
    "use 1 to 64 lower case letters, digits, _ and -, beginning with a letter or digit";

/// "blake2b:<64 hexadecimal digits>".
bool is_key_hash(std::string_view hash);

/// PENSTOCK_..._<NAME>: upper case, with _ for -.
std::string variable_name(std::string_view name);

/// "unknown key; did you mean X?" where a candidate is near, else where the keys are listed.
std::string unknown(std::string_view what, std::string_view given,
                    const std::vector<std::string>& candidates);

/// A target for people, without secrets: "webhook to https://hooks.example.org".
std::string target_summary(const Config::NotifyTarget& target);

/// libpq's view of a connection string.
struct DsnFacts {
    bool valid = false;
    bool has_password = false;
    std::string masked;  ///< keyword=value pairs, the password as ***
};
DsnFacts examine_dsn(const std::string& dsn);

}  // namespace penstock
