#include "storage/regional_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "pipeline/clock.h"

namespace penstock {
namespace {

using Span = EventQuery::Span;

constexpr int64_t kSecondUs = 1'000'000, kDayUs = 86'400 * kSecondUs;
constexpr int64_t kNone = std::numeric_limits<int64_t>::min(), kEver = std::numeric_limits<int64_t>::max();
/// Rows lie in the order of receipt, and there is no index that gives them sorted: spans are read one after
/// the other, each wider than the one before while too little is found.
constexpr int64_t kSpanMinUs = kSecondUs / 10, kSpanGrowth = 8;

constexpr const char* kHead = R"sql(
SELECT (SELECT seq FROM penstock.ledger WHERE log_id = $1::uuid),
       (SELECT stamp_ns FROM penstock.ledger WHERE log_id = $1::uuid),
       (SELECT string_agg(log || ':' || CASE WHEN stamp_ns >= $2::bigint THEN 'past' ELSE seq::text END, ','
                          ORDER BY log) FROM penstock.ledger),
       (SELECT string_agg(substr(c.relname, 7), ',' ORDER BY c.relname)
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'penstock.event'::regclass AND c.relname ~ '^event_[0-9]{8}$'),
       (SELECT max(stamp_ns) / 1000 FROM penstock.ledger WHERE stamp_ns > 0),
       set_config('statement_timeout', $3, false)
)sql";

constexpr std::string_view kNoTable = "42P01", kNoSchema = "3F000";

// Timestamps travel as microseconds.
constexpr const char* kAt = "(timestamptz 'epoch' + ${}::bigint * interval '1 microsecond')";
constexpr const char* kUs = "(extract(epoch FROM {}) * 1000000)::bigint";

int64_t start_of_day(std::string_view yyyymmdd) {
    unsigned digits = 0;
    std::from_chars(yyyymmdd.data(), yyyymmdd.data() + yyyymmdd.size(), digits);
    const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(digits / 10'000)),
                                           std::chrono::month(digits / 100 % 100),
                                           std::chrono::day(digits % 100));
    return std::chrono::sys_days(date).time_since_epoch().count() * kDayUs;
}

int64_t less(int64_t a, int64_t b) { return a < kNone + b ? kNone : a - b; }
int64_t plus(int64_t a, int64_t b) { return a > kEver - b ? kEver : a + b; }

}  // namespace

/// SQL that grows, with its parameters.
class RegionalQuery::Statement {
  public:
    std::string sql;
    std::vector<std::string> parameters;

    /// "$7"
    std::string add(std::string value) {
        parameters.push_back(std::move(value));
        return fmt::format("${}", parameters.size());
    }
    std::string add_time(int64_t us) {
        add(std::to_string(us));
        return fmt::format(fmt::runtime(kAt), parameters.size());
    }
    /// {"a","b"}, as PostgreSQL writes lists of text.
    std::string add_list(const std::vector<std::string>& texts) {
        std::string list = "{";
        for (const std::string& text : texts) {
            list += list.size() > 1 ? ",\"" : "\"";
            for (const char c : text) {
                if (c == '"' || c == '\\') list += '\\';
                list += c;
            }
            list += '"';
        }
        return add(list + "}") + "::text[]";
    }
    void bound(std::string_view column, const Span& span) {
        if (span.from_us != kNone) sql += fmt::format(" AND e.{} >= {}", column, add_time(span.from_us));
        if (span.to_us != kEver) sql += fmt::format(" AND e.{} < {}", column, add_time(span.to_us));
    }
};

RegionalQuery::RegionalQuery(PostgresConnection& connection, const EventQuery& query, Options options)
    : connection_(connection), query_(query), options_(std::move(options)) {}

RegionalHead RegionalQuery::head() {
    const int64_t until_us = query_.received.to_us;
    const int64_t left_ms = std::max<int64_t>((options_.deadline_ns - monotonic_now_ns()) / 1'000'000, 1);
    head_ = {};
    PostgresResult row;
    try {
        row = connection_.query(
            kHead, {options_.log_id, std::to_string(until_us > kEver / 1000 ? kEver : until_us * 1000),
                    std::to_string(left_ms)});
    } catch (const PostgresError& error) {
        if (error.sqlstate != kNoTable && error.sqlstate != kNoSchema) throw;
        head_.mark = "unmade";  // nothing was ever flushed to it
        return head_;
    }
    if (!row.is_null(0, 0)) {
        head_.flushed_seq = static_cast<Seq>(row.number(0, 0));
        head_.flushed_stamp_ns = row.number(0, 1);
    }
    head_.mark = fmt::format("{}/", row.is_null(0, 2) ? "" : row.text(0, 2));
    const std::string days(row.is_null(0, 3) ? "" : row.text(0, 3));
    for (size_t at = 0; at + 8 <= days.size(); at += 9) {
        const std::string_view day = std::string_view(days).substr(at, 8);
        head_.days_us.push_back(start_of_day(day));
        if (head_.days_us.back() < until_us) head_.mark += fmt::format("{},", day);
    }
    head_.newest_us = row.is_null(0, 4) ? SystemClock().wall_ns() / 1000 : row.number(0, 4);
    return head_;
}

/// FROM and WHERE: all that is asked for, and of the asking log only what its ledger has passed.
RegionalQuery::Statement RegionalQuery::filter(const Span& received, const Span& time) const {
    Statement s;
    s.sql = fmt::format(
        " FROM penstock.events e JOIN penstock.ledger l ON l.log = e.log "
        "WHERE NOT (l.log_id = {}::uuid AND e.seq >= {}::bigint)",
        s.add(options_.log_id), s.add(std::to_string(head_.flushed_seq)));
    s.bound("received", received);
    s.bound("time", time);
    if (!query_.subject.empty()) s.sql += " AND e.subject = " + s.add(query_.subject);
    if (!query_.type.empty()) s.sql += " AND e.type = " + s.add(query_.type);
    if (!query_.tenant.empty()) s.sql += " AND e.tenant = " + s.add(query_.tenant);
    if (!query_.scope.all_tenants())
        s.sql += fmt::format(" AND e.tenant = ANY({})", s.add_list(query_.scope.tenants));
    if (query_.severity_at_least > 0)
        s.sql += fmt::format(" AND e.severity >= {}::smallint",
                             s.add(std::to_string(static_cast<int>(query_.severity_at_least))));
    if (!query_.text.empty()) s.sql += fmt::format(" AND strpos(e.data::text, {}) > 0", s.add(query_.text));
    return s;
}

void RegionalQuery::read_span(const EventOrder& order, const std::optional<EventPosition>& after,
                              size_t limit, const Span& span, std::vector<FoundEvent>& into) {
    const bool by_time = order.by == EventOrder::By::kTime;
    Statement s = filter(by_time ? query_.received : span, by_time ? span : query_.time);
    const std::string_view sorted = by_time ? "time" : "received";
    const std::string_view way = order.oldest_first ? "ASC" : "DESC";
    if (after) {
        const char sign = order.oldest_first ? '>' : '<';
        s.sql += fmt::format(
            " AND (e.{0}, e.seq, {1} COLLATE \"C\", l.log_id::text COLLATE \"C\") {2} ({3}, {4}::bigint, "
            "{5}, {6})",
            sorted, s.add(options_.region) + "::text", sign, s.add_time(after->value_us),
            s.add(std::to_string(after->seq)), s.add(after->region), s.add(after->log));
    }
    const auto us = [](std::string_view column) { return fmt::format(fmt::runtime(kUs), column); };
    const std::string_view payload = options_.payload ? "e.data, e.attributes" : "NULL, NULL";
    s.sql = fmt::format(
                "SELECT e.seq, {}, {}, l.log_id, e.severity, e.tenant, e.source, e.id, e.type, e.subject, {}",
                us("e.received"), us("e.time"), payload) +
            s.sql + fmt::format(" ORDER BY e.{0} {1}, e.seq {1}, l.log_id {1} LIMIT {2}", sorted, way, limit);
    const PostgresResult rows = connection_.query(s.sql.c_str(), s.parameters);
    for (int i = 0; i < rows.rows(); ++i) {
        const auto text = [&](int column) {
            return rows.is_null(i, column) ? std::string() : std::string(rows.text(i, column));
        };
        FoundEvent event;
        event.seq = static_cast<Seq>(rows.number(i, 0));
        event.received_us = rows.number(i, 1);
        event.time_us = rows.number(i, 2);
        event.region = options_.region;
        event.log = text(3);
        if (!rows.is_null(i, 4)) event.severity = static_cast<uint8_t>(rows.number(i, 4));
        event.tenant = text(5);
        event.source = text(6);
        event.id = text(7);
        event.type = text(8);
        event.subject = text(9);
        event.data = text(10);
        event.attributes = text(11);
        event.withheld = !options_.payload;
        into.push_back(std::move(event));
    }
}

std::vector<FoundEvent> RegionalQuery::page(const EventOrder& order,
                                            const std::optional<EventPosition>& after, size_t limit) {
    const bool by_time = order.by == EventOrder::By::kTime;
    Span whole = by_time ? query_.time : query_.received;
    if (after && order.oldest_first) whole.from_us = std::max(whole.from_us, after->value_us);
    if (after && !order.oldest_first) whole.to_us = std::min(whole.to_us, plus(after->value_us, 1));
    std::vector<FoundEvent> found;
    const auto& days = head_.days_us;
    if (days.empty() || whole.from_us >= whole.to_us) return found;
    if (!by_time) {
        whole.from_us = std::max(whole.from_us, days.front());
        whole.to_us = std::min(whole.to_us, head_.newest_us + 1);
    }
    // In portions: what others have found meanwhile may leave no room for more of this region.
    const bool whole_page = options_.portion == 0 || !query_.subject.empty();  // a key's rows are few
    const size_t portion = whole_page ? limit : std::min(options_.portion, limit);
    std::optional<EventPosition> from = after;
    const auto read = [&](const Span& span) {
        while (found.size() < limit) {
            const size_t before = found.size(), wanted = std::min(portion, limit - before);
            read_span(order, from, wanted, span, found);
            const bool more = found.size() - before == wanted;
            if (found.size() > before) from = found.back().position(order.by);
            const int64_t reached = more ? from->value_us : order.oldest_first ? span.to_us : span.from_us;
            if (options_.enough && options_.enough(std::span(found).subspan(before), reached)) return false;
            if (!more) return true;
        }
        return false;
    };
    // A key's rows are few and anywhere; the producers' times have no beginning.
    if (!query_.subject.empty() || (by_time && order.oldest_first && whole.from_us == kNone)) {
        read(whole);
        return found;
    }
    int64_t width = kSpanMinUs;
    if (order.oldest_first) {
        for (int64_t at = whole.from_us; at < whole.to_us; width *= kSpanGrowth) {
            if (!by_time && width > kSecondUs) {  // steps over days without rows
                const auto next = std::upper_bound(days.begin(), days.end(), at);
                const int64_t day = next == days.begin() ? *next : *std::prev(next);
                if (at >= day + kDayUs) {
                    if (next == days.end()) break;
                    at = *next;
                }
            }
            const bool rest = by_time && width > kDayUs;
            width = std::min(width, kDayUs);
            const int64_t end = rest ? whole.to_us : std::min(plus(at, width), whole.to_us);
            if (!read({at, end})) break;
            at = end;
        }
        return found;
    }
    int64_t at = whole.to_us;
    if (by_time && at == kEver) {  // what is dated in the future comes with the first span
        const int64_t begin = std::max(whole.from_us, head_.newest_us - width);
        if (!read({begin, kEver})) return found;
        at = begin;
    }
    for (; at > whole.from_us; width *= kSpanGrowth) {
        if (!by_time && width > kSecondUs) {
            const auto day = std::prev(std::lower_bound(days.begin(), days.end(), at));
            at = std::min(at, *day + kDayUs);
        }
        const bool rest = by_time && width > kDayUs;
        width = std::min(width, kDayUs);
        const int64_t begin = rest ? whole.from_us : std::max(less(at, width), whole.from_us);
        if (!read({begin, at})) break;
        at = begin;
    }
    return found;
}

std::map<EventGroup, EventCounts> RegionalQuery::count(const EventGrouping& grouping, size_t groups_max) {
    if (head_.days_us.empty()) return {};
    Statement s = filter(query_.received, query_.time);
    const std::string bucket =
        grouping.bucket_us == 0
            ? "0::bigint"
            : fmt::format(fmt::runtime(kUs),
                          fmt::format("date_bin({}::bigint * interval '1 microsecond', e.received, "
                                      "timestamptz 'epoch')",
                                      s.add(std::to_string(grouping.bucket_us))));
    const std::string_view none = "NULL::text";
    s.sql = fmt::format("SELECT {}, {}, {}, {}, count(*), {}, {}, coalesce(max(e.severity), 0)",
                        grouping.tenant ? "e.tenant" : none, grouping.type ? "e.type" : none,
                        grouping.severity ? "coalesce(e.severity, 0)" : "0::smallint", bucket,
                        fmt::format(fmt::runtime(kUs), "min(e.received)"),
                        fmt::format(fmt::runtime(kUs), "max(e.received)")) +
            s.sql + fmt::format(" GROUP BY 1, 2, 3, 4 LIMIT {}", groups_max + 1);
    const PostgresResult rows = connection_.query(s.sql.c_str(), s.parameters);
    std::map<EventGroup, EventCounts> out;
    for (int i = 0; i < rows.rows(); ++i) {
        EventGroup group;
        if (grouping.region) group.region = options_.region;
        if (grouping.tenant) group.tenant = std::string(rows.text(i, 0));
        if (grouping.type) group.type = std::string(rows.text(i, 1));
        group.severity = static_cast<int>(rows.number(i, 2));
        group.bucket_us = rows.number(i, 3);
        out[group].add({static_cast<uint64_t>(rows.number(i, 4)), rows.number(i, 5), rows.number(i, 6),
                        static_cast<uint8_t>(rows.number(i, 7))});
    }
    return out;
}

}  // namespace penstock
