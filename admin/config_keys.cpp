#include "admin/config_keys.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>

#include "schemas/limits.h"

namespace penstock {
namespace {

constexpr uint64_t kKiB = 1024, kMiB = 1024 * kKiB, kGiB = 1024 * kMiB, kTiB = 1024 * kGiB;
constexpr uint64_t kDaysMax = 36'500, kSecondsMax = kDaysMax * 86'400;
constexpr uint64_t kRateMax = 1'000'000'000;

using Text = std::string* (*)(Config&);
using Number = uint64_t* (*)(Config&);
using Texts = std::vector<std::string>* (*)(Config&);

#define PENSTOCK_TEXT(member) Text([](Config& c) { return &c.member; })
#define PENSTOCK_NUMBER(member) Number([](Config& c) { return &c.member; })
#define PENSTOCK_TEXTS(member) Texts([](Config& c) { return &c.member; })

const std::array kKeys{
    ConfigKey{
        "", "data_dir", ValueKind::kPath,
        "Folder of the event log (log/), the checkpoints (state/) and the lock. One appliance a folder.",
        PENSTOCK_TEXT(data_dir)},

    ConfigKey{"ingest", "listen", ValueKind::kAddress,
              "Where producers connect over TCP, both formats. Port 0 takes a free one.",
              PENSTOCK_TEXT(ingest.listen)},
    ConfigKey{
        "ingest", "backend", ValueKind::kChoice,
        "How sockets are served. auto takes io_uring, and epoll with a warning where io_uring is refused "
        "(containers often block it).",
        PENSTOCK_TEXT(ingest.backend), 0, 0, "auto|io_uring|epoll"},
    ConfigKey{"ingest", "connections_max", ValueKind::kCount,
              "Connections served at once; further ones are closed as they come.",
              PENSTOCK_NUMBER(ingest.connections_max), 1, 1'000'000},
    ConfigKey{"ingest", "idle_timeout_s", ValueKind::kCount,
              "A connection that sends nothing for so long is closed.",
              PENSTOCK_NUMBER(ingest.idle_timeout_s), 1, kSecondsMax},
    ConfigKey{"ingest", "stall_timeout_s", ValueKind::kCount,
              "A connection that is inside one line or frame for so long is closed, also when its bytes "
              "trickle; what was complete is kept.",
              PENSTOCK_NUMBER(ingest.stall_timeout_s), 1, kSecondsMax},
    ConfigKey{"ingest", "credits_bytes", ValueKind::kBytes,
              "What a binary connection may have under way unacknowledged.",
              PENSTOCK_NUMBER(ingest.credits_bytes), limits::kFrameBodyBytesMax, kGiB},
    ConfigKey{
        "ingest", "rate_limit", ValueKind::kCount,
        "Events a second of the tenant `default`; 0: no limit. Above it the tenant's connections are told "
        "`rate_limited` and not read for a while; nothing is lost.",
        PENSTOCK_NUMBER(ingest.rate_limit), 0, kRateMax},
    ConfigKey{"ingest", "burst", ValueKind::kCount,
              "Events that the tenant `default` may send at once above its rate; 0: those of one second.",
              PENSTOCK_NUMBER(ingest.burst), 0, kRateMax},
    ConfigKey{
        "ingest", "tls_certificate", ValueKind::kFile,
        "PEM file of the certificate that is shown, its chain behind it; with tls_key, TLS 1.2 and 1.3 is "
        "spoken here and nothing else. Read again when it changes.",
        PENSTOCK_TEXT(ingest.tls.certificate)},
    ConfigKey{"ingest", "tls_key", ValueKind::kFile,
              "PEM file of the certificate's key, without a passphrase.", PENSTOCK_TEXT(ingest.tls.key)},
    ConfigKey{"ingest", "plain_text", ValueKind::kChoice,
              "Where this port may be served without TLS: an address that others reach is refused unless "
              "this says everywhere (a proxy in front, or a network that is trusted).",
              PENSTOCK_TEXT(ingest.tls.plain_text), 0, 0, "loopback|everywhere"},

    ConfigKey{"http", "listen", ValueKind::kAddress,
              "Where the status page, /api/v1, /metrics, /healthz and /readyz are served.",
              PENSTOCK_TEXT(http.listen)},
    ConfigKey{
        "http", "tls_certificate", ValueKind::kFile,
        "PEM file of the certificate that is shown, its chain behind it; with tls_key, TLS 1.2 and 1.3 is "
        "spoken here and nothing else. Read again when it changes.",
        PENSTOCK_TEXT(http.tls.certificate)},
    ConfigKey{"http", "tls_key", ValueKind::kFile, "PEM file of the certificate's key, without a passphrase.",
              PENSTOCK_TEXT(http.tls.key)},
    ConfigKey{"http", "plain_text", ValueKind::kChoice,
              "Where this port may be served without TLS: an address that others reach is refused unless "
              "this says everywhere (a proxy in front, or a network that is trusted).",
              PENSTOCK_TEXT(http.tls.plain_text), 0, 0, "loopback|everywhere"},
    ConfigKey{
        "http", "hsts_s", ValueKind::kCount,
        "Over TLS: how long browsers shall come here by https only (Strict-Transport-Security). 0: they "
        "are not told.",
        PENSTOCK_NUMBER(http.hsts_s), 0, kSecondsMax},

    ConfigKey{"dedup", "window_s", ValueKind::kCount,
              "An event that comes again within this time is recognised as a duplicate.",
              PENSTOCK_NUMBER(dedup.window_s), 1, 30 * 86'400},
    ConfigKey{"dedup", "memory_bytes", ValueKind::kBytes,
              "Bound of the window's keys, about 40 bytes each. At the bound intake slows; the window is "
              "never cut.",
              PENSTOCK_NUMBER(dedup.memory_bytes), 16 * kMiB, 16 * kTiB},

    ConfigKey{"log", "bytes_max", ValueKind::kBytes,
              "The most that the event log may take on disk. Near it producers are told `overloaded`.",
              PENSTOCK_NUMBER(log.bytes_max), 256 * kMiB, 64 * kTiB},
    ConfigKey{"log", "retention_s", ValueKind::kCount,
              "Events younger than this stay in the log, also when their region has them.",
              PENSTOCK_NUMBER(log.retention_s), 0, kSecondsMax},
    ConfigKey{
        "log", "retention_bytes", ValueKind::kBytes,
        "Above this the oldest events leave the log early, once every region has taken its own. At most "
        "log.bytes_max.",
        PENSTOCK_NUMBER(log.retention_bytes), 16 * kMiB, 64 * kTiB},
    ConfigKey{"log", "compression", ValueKind::kChoice,
              "How batches are written. What was written otherwise, and events sealed by a region's key, "
              "stay as they are.",
              PENSTOCK_TEXT(log.compression), 0, 0, "lz4|none"},

    ConfigKey{"state", "checkpoint_s", ValueKind::kCount,
              "Time between checkpoints; a restart replays the log from the last one.",
              PENSTOCK_NUMBER(state.checkpoint_s), 1, 86'400},

    ConfigKey{"flush", "linger_ms", ValueKind::kCount,
              "How long rows gather before they are copied to a region. Longer: fewer, larger transactions.",
              PENSTOCK_NUMBER(flush.linger_ms), 0, 60'000},
    ConfigKey{"flush", "rows_max", ValueKind::kCount, "Rows of one transaction.",
              PENSTOCK_NUMBER(flush.rows_max), 1, 10'000'000},
    ConfigKey{"flush", "bytes_max", ValueKind::kBytes, "Size of one transaction.",
              PENSTOCK_NUMBER(flush.bytes_max), 64 * kKiB, 4 * kGiB},
    ConfigKey{"flush", "retention_days", ValueKind::kCount,
              "Days (by receipt) that events stay in the regions; older partitions are dropped. 0 keeps all.",
              PENSTOCK_NUMBER(flush.retention_days), 0, kDaysMax},
    ConfigKey{"flush", "timeout_s", ValueKind::kCount,
              "A statement without progress for so long counts as a lost connection.",
              PENSTOCK_NUMBER(flush.timeout_s), 1, 3'600},

    ConfigKey{"routing", "default_region", ValueKind::kText,
              "Region of events that name none, and whose tenant names none.",
              PENSTOCK_TEXT(routing.default_region)},
    ConfigKey{
        "routing", "unknown_region", ValueKind::kChoice,
        "What happens to an event whose region is not configured: refused as `unknown_region`, or stored in "
        "the default region.",
        PENSTOCK_TEXT(routing.unknown_region), 0, 0, "refuse|default"},

    ConfigKey{
        "enrich", "mask", ValueKind::kTexts,
        "Fields of the payload whose values are masked before anything is stored: data.<field>, deeper ones "
        "as data.<field>.<field>.",
        PENSTOCK_TEXTS(enrich.mask)},

    ConfigKey{"sla", "workflows", ValueKind::kPaths, "Files of the workflows that are watched.",
              PENSTOCK_TEXTS(sla.workflows)},
    ConfigKey{"sla", "instance_retention_s", ValueKind::kCount,
              "A workflow instance with no deadline to wait for is forgotten after this time.",
              PENSTOCK_NUMBER(sla.instance_retention_s), 1, kSecondsMax},
    ConfigKey{
        "sla", "recovery_hold_s", ValueKind::kCount,
        "After a start, deadlines wait until every producer that was connected at the stop has said that it "
        "is caught up, but no longer than this. 0: they are judged at once.",
        PENSTOCK_NUMBER(sla.recovery_hold_s), 0, 86'400},
    ConfigKey{"sla", "source_idle_s", ValueKind::kCount,
              "A source that sends watermarks holds deadlines up no longer when nothing has come from it for "
              "so long.",
              PENSTOCK_NUMBER(sla.source_idle_s), 1, 86'400},
    ConfigKey{"sla", "source_hold_s", ValueKind::kCount,
              "A deadline waits for the watermark of its source at most so long.",
              PENSTOCK_NUMBER(sla.source_hold_s), 1, 86'400},
    ConfigKey{"sla", "source_lag_s", ValueKind::kCount,
              "A source whose watermark is behind by more lags: one alert tells so, of the workflow "
              "\"sources\".",
              PENSTOCK_NUMBER(sla.source_lag_s), 1, 86'400},
    ConfigKey{
        "sla", "spin_us", ValueKind::kCount,
        "While batches come in quick succession the thread that judges deadlines looks for the next one "
        "so long before it sleeps: lower latency where there are "
        "processors to spare, for half of one. 0: it sleeps at once.",
        PENSTOCK_NUMBER(sla.spin_us), 0, 10'000},

    ConfigKey{"alerts", "pending_s", ValueKind::kCount,
              "How long an alert's episode waits for more of the same before anybody is told. One that is "
              "over, or acked, before is told to nobody.",
              PENSTOCK_NUMBER(alerts.pending_s), 0, 86'400},
    ConfigKey{"alerts", "flap_count", ValueKind::kCount,
              "An alert that fires and resolves so often (each counts) within the window is flapping: that "
              "is told once, and its end only when it was steady for the window. 0: none flaps.",
              PENSTOCK_NUMBER(alerts.flap_count), 0, 100},
    ConfigKey{"alerts", "flap_window_s", ValueKind::kCount, "The window of `flap_count`.",
              PENSTOCK_NUMBER(alerts.flap_window_s), 1, 7 * 86'400},

    ConfigKey{"review", "held_max", ValueKind::kCount, "Open items that one person has at most.",
              PENSTOCK_NUMBER(review.held_max), 1, 10'000},
    ConfigKey{"review", "lease_s", ValueKind::kCount,
              "An item that somebody has is given to others after this time without work on it.",
              PENSTOCK_NUMBER(review.lease_s), 5, 86'400},
    ConfigKey{"review", "undo_s", ValueKind::kCount, "A decision can be undone for this time.",
              PENSTOCK_NUMBER(review.undo_s), 0, 86'400},
    ConfigKey{"review", "retention_s", ValueKind::kCount,
              "An item that is over is shown for this time; its region keeps the decision.",
              PENSTOCK_NUMBER(review.retention_s), 1, kSecondsMax},
    ConfigKey{"review", "open_max", ValueKind::kCount,
              "Items that are open at once. Events beyond it become none, and are counted.",
              PENSTOCK_NUMBER(review.open_max), 1, 5'000'000},
    ConfigKey{"review", "mail", ValueKind::kText,
              "Name of a [[notify.target]] of kind mail: by its server people who wish it are told what they "
              "were given (docs/review.md). Empty: nobody is.",
              PENSTOCK_TEXT(review.mail)},
    ConfigKey{"review", "mail_wait_s", ValueKind::kCount,
              "The least time between two such mails to one person; what comes meanwhile is in the next.",
              PENSTOCK_NUMBER(review.mail_wait_s), 1, 86'400},

    ConfigKey{"access", "required", ValueKind::kChoice,
              "Whether everybody signs in. auto: as soon as there is a user; until then requests from this "
              "host are the local admin's.",
              PENSTOCK_TEXT(access.required), 0, 0, "auto|true|false"},
    ConfigKey{"access", "open", ValueKind::kText,
              "\"yes, to everybody\" lets `required = false` also beyond loopback: whoever reaches "
              "http.listen may then do anything.",
              PENSTOCK_TEXT(access.open)},
    ConfigKey{"access", "demo", ValueKind::kChoice,
              "Adds the demo's users, whose token and passwords everybody knows. Refused where http.listen "
              "is not a loopback address.",
              PENSTOCK_TEXT(access.demo), 0, 0, "true|false"},
    ConfigKey{"access", "metrics", ValueKind::kChoice,
              "Who may read /metrics: open to everybody, or with the role viewer.",
              PENSTOCK_TEXT(access.metrics), 0, 0, "open|viewer"},
    ConfigKey{"access", "session_idle_s", ValueKind::kCount,
              "A session without a sign of life for so long ends.", PENSTOCK_NUMBER(access.session_idle_s), 1,
              kSecondsMax},
    ConfigKey{"access", "session_life_s", ValueKind::kCount,
              "A session ends after so long, whatever is done with it.",
              PENSTOCK_NUMBER(access.session_life_s), 1, kSecondsMax},
    ConfigKey{"access", "jwt_secret_file", ValueKind::kPath,
              "A file with the secret, at least 32 bytes, with which bearer JWT are signed (HS256). Without "
              "it none is taken.",
              PENSTOCK_TEXT(access.jwt_secret_file)},
    ConfigKey{"access", "jwt_issuer", ValueKind::kText, "What a JWT must have as `iss`; empty: anything.",
              PENSTOCK_TEXT(access.jwt_issuer)},
    ConfigKey{"access", "jwt_audience", ValueKind::kText,
              "What a JWT must have as, or among, `aud`; empty: anything.",
              PENSTOCK_TEXT(access.jwt_audience)},

    ConfigKey{"logging", "level", ValueKind::kChoice, "The least severe message that is written.",
              PENSTOCK_TEXT(logging.level), 0, 0, "debug|info|warn|error"},
    ConfigKey{"logging", "format", ValueKind::kChoice,
              "text for people, json (one object a line) for collectors.", PENSTOCK_TEXT(logging.format), 0,
              0, "text|json"},
};

#undef PENSTOCK_TEXT
#undef PENSTOCK_NUMBER
#undef PENSTOCK_TEXTS

constexpr std::array kListKeys{
    ListKey{"[[region]]", "name", "text", true,
            "Lower case letters, digits, `_` and `-`. Sections given in the file replace the five default "
            "regions: "
            "us (alias na), ca, eu, apac, latam."},
    ListKey{
        "[[region]]", "aliases", "list of text", false,
        "Other names that events may use for the region. `us` is also called `na` where this is left out and "
        "no other region takes the name."},
    ListKey{
        "[[region]]", "dsn", "text", false,
        "libpq connection string of the region's PostgreSQL database. Without it the region's events stay in "
        "the log and are flushed once it is given. Also `PENSTOCK_REGION_<NAME>_DSN` and "
        "`--set region.<name>.dsn=…`; a `.pgpass` file keeps passwords out of all three."},
    ListKey{"[[region]]", "read_dsn", "text", false,
            "As `dsn`, of a role that may only read: what queries over the regions use. Without it they use "
            "`dsn`, read-only."},
    ListKey{"[[region]]", "payload", "leaves or stays", false,
            "stays: queries over more than this region show no payload of it (docs/queries.md). Default "
            "leaves."},
    ListKey{"[[region]]", "key_file", "path", false,
            "A file of mode 600 with a key, 64 hexadecimal digits: with it is sealed what this host keeps of "
            "the region's events (docs/residency.md). More lines are older keys, which still open."},
    ListKey{
        "[[tenant]]", "name", "text", true,
        "What producers name in their hello. `default` needs no section: it has no key, and loopback only."},
    ListKey{"[[tenant]]", "key_hash", "text", true,
            "The line that `penstock tenant-key NAME` prints: `blake2b:…`."},
    ListKey{"[[tenant]]", "region", "text", false, "Region of this tenant's events that name none."},
    ListKey{"[[tenant]]", "rate_limit", "integer", false,
            "Events a second; 0, the default: no limit. Above it the tenant's connections are told "
            "`rate_limited` and not read for a while; nothing is lost."},
    ListKey{"[[tenant]]", "burst", "integer", false,
            "Events that may come at once above the rate. Default: those of one second."},
    ListKey{"[[user]]", "name", "text", true,
            "What the user signs in with: 1 to 64 lower case letters, digits, `.`, `_`, `-` and `@`."},
    ListKey{"[[user]]", "role", "viewer, operator, supervisor or admin", true,
            "Each may all that the one before it may; docs/access.md has the table."},
    ListKey{"[[user]]", "display_name", "text", false, "For people. Default: the name."},
    ListKey{"[[user]]", "regions", "list of text", false,
            "The only regions that the user sees. Default: all."},
    ListKey{"[[user]]", "tenants", "list of text", false,
            "The only tenants that the user sees. Default: all."},
    ListKey{"[[user]]", "skills", "list of text", false, "What the user can decide."},
    ListKey{"[[user]]", "email", "text", false, "Where assignments are told."},
    ListKey{"[[user]]", "password_hash", "text", false,
            "The line that `penstock user hash` prints: `$argon2id$…`. Without it no sign-in by password."},
    ListKey{"[[user]]", "token_hash", "text", false,
            "`blake2b:…`, from `penstock user hash --token`. Without it no sign-in by token."},
    ListKey{
        "[[enrich.lookup]]", "file", "path", true,
        "CSV with a header line. The first column is the key; the others become extensions of the event."},
    ListKey{"[[enrich.lookup]]", "match", "text", true,
            "What is looked up: subject, source, type or data.&lt;field&gt;."},
    ListKey{"[[enrich.lookup]]", "reload_s", "integer", false,
            "Seconds between looks at the file; a changed one is read again. Default 5."},
    ListKey{
        "[[alerts.inhibit]]", "source", "table", true,
        "Alerts that hide others while they are firing or acked: `{ workflow, rule, severity_at_least }`, at "
        "least one of the three; all that are given must match."},
    ListKey{"[[alerts.inhibit]]", "target", "table", true,
            "Alerts whose notifications are held back meanwhile; likewise."},
    ListKey{"[[alerts.inhibit]]", "equal", "list of text", false,
            "What source and target must have in common: tenant, workflow, group. Default: nothing."},
    ListKey{"[[alerts.escalation]]", "name", "text", true, "What rules of workflows name as `escalation`."},
    ListKey{"[[alerts.escalation]]", "steps", "list of tables", true,
            "`{ after = \"15m\", targets = [\"phone\"] }`, later and later: whom to tell when nobody has "
            "taken the "
            "alert for so long."},
    ListKey{
        "[[alerts.escalation]]", "ack_timeout", "duration", false,
        "An ack after which the alert still is not resolved for so long counts no more: it is told, and the "
        "ladder begins anew. Without it an ack lasts."},
    ListKey{"[[review.queue]]", "name", "text", true,
            "What items name as `queue`. Of several queues the first that takes an event keeps it."},
    ListKey{"[[review.queue]]", "types", "list of text", false, "Types of events; without it, all."},
    ListKey{"[[review.queue]]", "condition", "text", false,
            "Over an event (docs/expressions.md): only those for which it is true."},
    ListKey{"[[review.queue]]", "alerts", "true or false", false,
            "true: items are made of alerts when they fire, and not of events."},
    ListKey{"[[review.queue]]", "workflow", "text", false, "Of alerts: only this workflow's."},
    ListKey{"[[review.queue]]", "rule", "text", false, "Of alerts: only this rule's."},
    ListKey{"[[review.queue]]", "severity_at_least", "integer", false,
            "1 to 5: less severe events, or alerts, are left out."},
    ListKey{"[[review.queue]]", "priority", "integer", false,
            "1 to 5, the highest first; without it the severity is the priority, and 3 where there is none."},
    ListKey{"[[review.queue]]", "skills", "list of text", false, "Who takes an item must have all of these."},
    ListKey{"[[review.queue]]", "due", "duration", false,
            "When an item should be decided, after it was made: among equal priorities the earliest goes "
            "first."},
    ListKey{"[[review.queue]]", "expires", "duration", false,
            "An item that nobody has decided in this time is over, as expired. Without it none expires."},
    ListKey{
        "[[notify.target]]", "name", "text", true,
        "What the histories of alerts name. Lower case letters, digits, `_` and `-`; at most 16 targets."},
    ListKey{"[[notify.target]]", "kind", "webhook or mail", true, "How notifications go there."},
    ListKey{"[[notify.target]]", "severity_at_least", "integer", false,
            "Only alerts of this severity or a worse one, 1 to 5. Default: all."},
    ListKey{"[[notify.target]]", "tenants", "list of text", false,
            "Only alerts of these tenants. Default: all."},
    ListKey{"[[notify.target]]", "escalation_only", "true or false", false,
            "Whether only ladders ([[alerts.escalation]]) tell it of alerts. Default false."},
    ListKey{"[[notify.target]]", "repeat_interval_s", "integer", false,
            "Seconds between repetitions while an alert is firing, 60 to 2592000. Default 14400."},
    ListKey{"[[notify.target]]", "group_by", "list of text", false,
            "What alerts that are told together have in common: of tenant, workflow, severity, group. "
            "Default: each "
            "alert is told by itself."},
    ListKey{"[[notify.target]]", "group_wait_s", "integer", false,
            "With `group_by`: seconds that the first alert waits for others, 0 to 86400. Default 0."},
    ListKey{"[[notify.target]]", "group_interval_s", "integer", false,
            "With `group_by`: seconds at least between notifications with news of a group, 1 to 86400. "
            "Default 300."},
    ListKey{"[[notify.target]]", "url", "text", false,
            "Of a webhook, required: where to post, https or http. Also `PENSTOCK_NOTIFY_<NAME>_URL`."},
    ListKey{"[[notify.target]]", "secret_file", "path", false,
            "Of a webhook: a file with a `whsec_…` secret a line, the newest first; each signs. This or "
            "`secrets` is "
            "required."},
    ListKey{"[[notify.target]]", "secrets", "list of text", false,
            "Of a webhook: the secrets themselves. Also `PENSTOCK_NOTIFY_<NAME>_SECRETS`, with commas."},
    ListKey{
        "[[notify.target]]", "allow_private", "true or false", false,
        "Of a webhook: whether it may also lead to loopback, private and other addresses that are not of the "
        "public internet. Default false."},
    ListKey{"[[notify.target]]", "host", "text", false,
            "Of mail, required: the server that takes it (SMTP)."},
    ListKey{"[[notify.target]]", "port", "integer", false,
            "Of mail. Default: 25 for tls none, 465 for implicit, else 587."},
    ListKey{
        "[[notify.target]]", "tls", "none, starttls, required or implicit", false,
        "Of mail: starttls where the server offers it; required (the default): STARTTLS or nothing is sent; "
        "implicit: from the first byte."},
    ListKey{"[[notify.target]]", "from", "text", false,
            "Of mail, required: the sender's address, name@domain."},
    ListKey{"[[notify.target]]", "to", "list of text", false,
            "Of mail, required: the receivers' addresses, at most 100."},
    ListKey{"[[notify.target]]", "user", "text", false, "Of mail: for servers that ask for a login."},
    ListKey{"[[notify.target]]", "password_file", "path", false,
            "Of mail: a file whose first line is the user's password."},
    ListKey{"[[notify.target]]", "password", "text", false,
            "Of mail: the password itself. Also `PENSTOCK_NOTIFY_<NAME>_PASSWORD`."},
    ListKey{"[[notify.target]]", "ca_file", "path", false,
            "PEM file of the authorities that are trusted instead of the host's own."},
    ListKey{"[enrich.type_aliases]", "\"<type as sent>\"", "text", false,
            "The type that is stored instead, for example `\"Motion\" = \"motion_detection\"`."},
};

constexpr std::array<std::string_view, 5> kUnitLetters{"", "K", "M", "G", "T"};

}  // namespace

std::span<const ConfigKey> config_keys() { return kKeys; }
std::span<const ListKey> list_keys() { return kListKeys; }

std::string ConfigKey::name() const {
    return section.empty() ? std::string(key) : std::string(section) + "." + std::string(key);
}

std::string ConfigKey::variable() const {
    std::string v = "PENSTOCK_" + name();
    for (char& c : v) c = c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return v;
}

std::string ConfigKey::unit() const {
    if (kind == ValueKind::kBytes) return "bytes";
    if (kind != ValueKind::kCount) return "";
    if (key.ends_with("_us")) return "microseconds";
    if (key.ends_with("_ms")) return "milliseconds";
    if (key.ends_with("_s")) return "seconds";
    if (key.ends_with("_days")) return "days";
    return "";
}

std::string ConfigKey::type() const {
    switch (kind) {
        case ValueKind::kText:
            return "text";
        case ValueKind::kAddress:
            return "host:port";
        case ValueKind::kPath:
        case ValueKind::kFile:
            return "path";
        case ValueKind::kCount:
            return "integer";
        case ValueKind::kBytes:
            return "size";
        case ValueKind::kTexts:
            return "list of text";
        case ValueKind::kPaths:
            return "list of paths";
        case ValueKind::kChoice:
            break;
    }
    std::string text;
    for (size_t at = 0; at <= choices.size();) {
        const size_t end = std::min(choices.find('|', at), choices.size());
        if (!text.empty()) text += end == choices.size() ? " or " : ", ";
        text += choices.substr(at, end - at);
        at = end + 1;
    }
    return text;
}

std::optional<uint64_t> parse_bytes(std::string_view text) {
    size_t digits = 0;
    while (digits < text.size() &&
           (std::isdigit(static_cast<unsigned char>(text[digits])) || text[digits] == '.'))
        ++digits;
    const std::string number(text.substr(0, digits));
    std::string unit;
    for (char c : text.substr(digits))
        if (c != ' ') unit += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    if (unit.ends_with('B')) unit.pop_back();
    if (unit.ends_with('I') && unit.size() == 2) unit.pop_back();
    const auto at = std::find(kUnitLetters.begin(), kUnitLetters.end(), unit);
    if (number.empty() || !std::isdigit(static_cast<unsigned char>(number[0])) || at == kUnitLetters.end())
        return std::nullopt;
    const uint64_t factor = 1ULL << (10 * (at - kUnitLetters.begin()));
    char* end = nullptr;
    if (number.find('.') == std::string::npos) {
        if (number.size() > 19) return std::nullopt;
        const uint64_t value = std::strtoull(number.c_str(), &end, 10);
        if (value > std::numeric_limits<uint64_t>::max() / factor) return std::nullopt;
        return value * factor;
    }
    const double value = std::strtod(number.c_str(), &end) * static_cast<double>(factor);
    if (*end != 0 || value >= 1.8e19) return std::nullopt;
    return static_cast<uint64_t>(value);
}

std::string format_bytes(uint64_t bytes) {
    size_t power = 0;
    while (bytes != 0 && bytes % 1024 == 0 && power + 1 < kUnitLetters.size()) {
        bytes /= 1024;
        ++power;
    }
    return std::to_string(bytes) + (power == 0 ? "" : std::string(kUnitLetters[power]) + "iB");
}

}  // namespace penstock
