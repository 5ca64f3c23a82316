// What an operator may set. admin/config_keys.cpp says of each key its meaning, unit and range; the loader,
// the commented default file and docs/configuration.md come from there, and a test holds them together.
// Values are checked when loaded; the rest of the program trusts them.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace penstock {

struct Config {
    std::string data_dir = "var/data";  ///< data_dir: holds log/, state/ and the lock

    struct Tls {
        std::string certificate, key;         ///< PEM files; empty: plain text
        std::string plain_text = "loopback";  ///< loopback | everywhere
        bool wanted() const { return !certificate.empty(); }
    };
    struct Ingest {
        std::string listen = "127.0.0.1:7400";
        std::string backend = "auto";  ///< auto | io_uring | epoll
        uint64_t connections_max = 10'000;
        uint64_t rate_limit = 0, burst = 0;   ///< of the tenant `default`; as Tenant's
        uint64_t idle_timeout_s = 900;        ///< nothing received
        uint64_t stall_timeout_s = 60;        ///< nothing received inside a line or frame
        uint64_t credits_bytes = 4ULL << 20;  ///< of one connection, unacknowledged
        Tls tls;
    } ingest;

    struct Http {
        std::string listen = "127.0.0.1:3000";
        Tls tls;
        uint64_t hsts_s = 0;  ///< 0: browsers are not told
    } http;

    struct Dedup {
        uint64_t window_s = 600;
        uint64_t memory_bytes = 4ULL << 30;
    } dedup;

    struct Log {
        uint64_t bytes_max = 64ULL << 30;
        uint64_t retention_s = 7 * 86'400;       ///< records younger than this stay
        uint64_t retention_bytes = 48ULL << 30;  ///< above this the oldest go, once flushed
        std::string compression = "lz4";         ///< lz4 | none
    } log;

    struct State {
        uint64_t checkpoint_s = 30;
    } state;

    struct Flush {
        uint64_t linger_ms = 200;          ///< how long rows gather before a COPY
        uint64_t rows_max = 50'000;        ///< of one transaction
        uint64_t bytes_max = 32ULL << 20;  ///< of one transaction
        uint64_t retention_days = 0;       ///< partitions older than this are dropped; 0: never
        uint64_t timeout_s = 30;           ///< one statement without progress
    } flush;

    struct Region {
        std::string name;
        std::vector<std::string> aliases;
        std::string dsn = {};            ///< libpq connection string; empty: stays in the log
        std::string read_dsn = {};       ///< for queries; empty: as dsn
        std::string payload = "leaves";  ///< leaves | stays
        std::string key_file = {};       ///< of what this host keeps of its events; empty: in the clear
    };
    /// [[region]] sections of the file replace this list.
    std::vector<Region> regions{{"us", {"na"}}, {"ca", {}}, {"eu", {}}, {"apac", {}}, {"latam", {}}};

    struct Routing {
        std::string default_region = "us";      ///< for events that name none
        std::string unknown_region = "refuse";  ///< refuse | default
    } routing;

    struct Tenant {
        std::string name;
        std::string key_hash;     ///< "blake2b:<64 hex digits>", from `penstock tenant-key`
        std::string region;       ///< for this tenant's events that name none; empty: the default
        uint64_t rate_limit = 0;  ///< events a second; 0: none
        uint64_t burst = 0;       ///< events at once; 0: those of one second
    };
    std::vector<Tenant> tenants;  ///< beside `default`, which needs no key and loopback

    struct Lookup {
        std::string file;   ///< CSV with a header line; the first column is the key
        std::string match;  ///< subject | source | type | data.<field>
        uint64_t reload_s = 5;
    };
    struct Enrich {
        std::map<std::string, std::string> type_aliases;
        std::vector<std::string> mask;  ///< data.<field>[.<field>...]
        std::vector<Lookup> lookups;
    } enrich;

    struct Sla {
        std::vector<std::string> workflows;          ///< files
        uint64_t instance_retention_s = 7 * 86'400;  ///< of instances with nothing armed
        uint64_t spin_us = 0;
        uint64_t recovery_hold_s = 60;  ///< at most, after a start
        // Of sources that send watermarks.
        uint64_t source_idle_s = 30, source_hold_s = 300, source_lag_s = 60;
    } sla;

    struct Alerts {
        uint64_t pending_s = 10;  ///< between an episode's begin and its first notification
        uint64_t flap_count = 6;  ///< 0: nothing flaps
        uint64_t flap_window_s = 900;
        struct Matcher {
            std::string workflow, rule;      ///< empty: any
            uint64_t severity_at_least = 0;  ///< 0: any
        };
        struct Inhibit {
            Matcher source, target;
            std::vector<std::string> equal;  ///< tenant, workflow, group
        };
        std::vector<Inhibit> inhibit;
        struct Step {
            int64_t after_ns = 0;
            std::vector<std::string> targets;
        };
        struct Escalation {
            std::string name;
            std::vector<Step> steps;  ///< later and later
            int64_t ack_timeout_ns = 0;
        };
        std::vector<Escalation> escalation;
    } alerts;

    /// [[review.queue]]: what becomes an item that a person decides.
    struct ReviewQueue {
        std::string name;
        std::vector<std::string> types;  ///< of events; empty: any
        std::string condition;           ///< over an event; empty: every event of these types
        bool alerts = false;             ///< of alerts that fire, and not of events
        std::string workflow, rule;      ///< of alerts; empty: any
        uint64_t severity_at_least = 0;  ///< of either
        uint64_t priority = 0;           ///< 1 to 5; 0: the severity
        std::vector<std::string> skills;
        int64_t due_ns = 0, expires_ns = 0;  ///< after the item was made; 0: never
    };
    struct Review {
        uint64_t held_max = 50;  ///< open items of one person
        uint64_t lease_s = 900, undo_s = 120;
        uint64_t retention_s = 7 * 86'400;  ///< of items that are over
        uint64_t open_max = 200'000;
        std::string mail = {};      ///< a mail target that tells people what they were given; empty: none
        uint64_t mail_wait_s = 60;  ///< between two mails to one person
        std::vector<ReviewQueue> queues;
    } review;

    struct NotifyTarget {
        std::string name;
        std::string kind;                  ///< webhook | mail
        uint64_t severity_at_least = 0;    ///< alerts below it are not for this target; 0: all
        std::vector<std::string> tenants;  ///< only their alerts; empty: all
        bool escalation_only = false;      ///< told by ladders alone
        uint64_t repeat_interval_s = 4 * 3'600;
        std::vector<std::string> group_by;  ///< tenant, workflow, severity, group; empty: each by itself
        uint64_t group_wait_s = 0, group_interval_s = 300;
        std::string ca_file;  ///< PEM; empty: the host's own authorities
        // Of a webhook.
        std::string url;                   ///< may hold a token: never shown whole
        std::string secret_file;           ///< a "whsec_…" a line, the newest first
        std::vector<std::string> secrets;  ///< the same, in the file itself
        bool allow_private = false;
        // Of mail.
        std::string host;
        uint64_t port = 0;             ///< 0: that of `tls`
        std::string tls = "required";  ///< none | starttls | required | implicit
        std::string from;
        std::vector<std::string> to;
        std::string user, password, password_file;
    };
    struct Notify {
        std::vector<NotifyTarget> targets;
    } notify;

    struct Access {
        std::string demo = "false";     ///< true | false: the demo's users
        std::string required = "auto";  ///< auto | true | false: whether everybody signs in
        std::string open;               ///< kOpenWord lets everybody in, also beyond loopback
        std::string metrics = "open";   ///< open | viewer: who may read /metrics
        uint64_t session_idle_s = 1'800, session_life_s = 43'200;
        std::string jwt_secret_file;  ///< empty: no bearer JWT
        std::string jwt_issuer, jwt_audience;

        static constexpr const char* kOpenWord = "yes, to everybody";
        bool is_demo() const { return demo == "true"; }
    } access;
    struct User {
        std::string name, display_name, role;
        std::vector<std::string> regions, tenants, skills;
        std::string email, password_hash, token_hash;
    };
    std::vector<User> users;

    struct Logging {
        std::string level = "info";   ///< debug | info | warn | error
        std::string format = "text";  ///< text | json
    } logging;
};

/// What is wrong, where, and how to mend it: "penstock.toml:12: ingest.listen: ...". One line a fault, all
/// faults.
struct ConfigError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// What a person wants to know beside the values.
struct ConfigNotes {
    struct Setting {
        std::string key;     ///< "ingest.listen"
        std::string value;   ///< as text; passwords are masked
        std::string origin;  ///< "penstock.toml:12", "PENSTOCK_INGEST_LISTEN", "--set", "default"
    };
    std::vector<Setting> settings;
    std::vector<std::string> warnings;  ///< works, but should be mended; in the form of a fault
};

/// Reads the file (empty path: defaults only), then PENSTOCK_* of the environment, then `flags`
/// ("ingest.listen" -> "0.0.0.0:7400"), the later winning. Relative paths inside the file are taken from the
/// file's folder, others from the working directory. Throws ConfigError listing every fault found, not the
/// first only. `notes`, where given, is filled in both cases.
Config load_config(const std::string& path, const std::map<std::string, std::string>& flags,
                   ConfigNotes* notes = nullptr);

}  // namespace penstock
