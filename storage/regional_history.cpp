#include "storage/regional_history.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ctime>
#include <stdexcept>

#include "storage/row_batch.h"

namespace penstock {
namespace {

namespace json = boost::json;

constexpr int64_t kHourNs = 3'600'000'000'000;
constexpr int64_t kPostgresEpochUs = 946'684'800'000'000;  // 2000-01-01

// Of a row, in this order.
enum Column { kSeq, kReceived, kTime, kSeverity, kTenant, kSource, kId, kType, kSubject, kData, kAttributes };
constexpr const char* kRows = R"sql(
SELECT seq, received, time, severity, tenant, source, id, type, subject, data, attributes
FROM penstock.event
WHERE log = $1::integer AND received >= $2::timestamptz AND received < $3::timestamptz
ORDER BY seq
)sql";

template <typename T>
T big_endian(std::string_view bytes) {
    if (bytes.size() != sizeof(T))
        throw PostgresError("a column is not of the type of the schema", "", false);
    T value = 0;
    for (const char c : bytes)
        value = static_cast<T>(static_cast<uint64_t>(value) << 8 | static_cast<uint8_t>(c));
    return value;
}

StampNs stamp_of(std::string_view bytes) { return (big_endian<int64_t>(bytes) + kPostgresEpochUs) * 1000; }

std::string timestamp(StampNs ns) {
    const int64_t us = std::max<int64_t>(floor_to_us(ns), 0);
    return fmt::format("{:%Y-%m-%d %H:%M:%S}.{:06}+00", fmt::gmtime(static_cast<std::time_t>(us / 1'000'000)),
                       us % 1'000'000);
}

/// `from` outlives what is put into `to`.
void read_pairs(const json::object& from, std::string_view name, std::vector<EventFields::Pair>& to) {
    const json::value* pairs = from.if_contains(name);
    if (!pairs || !pairs->is_object()) return;
    for (const auto& pair : pairs->get_object())
        if (pair.value().is_string()) to.emplace_back(pair.key(), pair.value().get_string());
}

}  // namespace

RegionalHistory::RegionalHistory(const Options& options, const EventLog& log, const StopSignal& stop)
    : log_(log),
      connection_({options.dsn, "penstock simulation " + options.region, options.timeout_ns}, stop),
      region_(log.names().region(options.region).value()),
      hasher_(log.identity().hash_secret) {
    // A statement may last as long as its rows are worked on.
    connection_.script("SET default_transaction_read_only = on; SET statement_timeout = 0");
    const PostgresResult row = connection_.query(
        "SELECT log, stamp_ns FROM penstock.ledger WHERE log_id = $1::uuid", {log.identity().log_id});
    if (row.rows() != 1)
        throw std::runtime_error(fmt::format("region {} has nothing of this log", options.region));
    log_number_ = std::string(row.text(0, 0));
    reached_ns_ = row.number(0, 1);
}

void RegionalHistory::read(StampNs from_ns, StampNs to_ns, const std::function<bool(const Row&)>& visit,
                           const std::function<bool(StampNs)>& hour_done) {
    const PostgresResult days = connection_.query(
        "SELECT to_date(substr(c.relname, 7), 'YYYYMMDD') - date '1970-01-01' "
        "FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = 'penstock.event'::regclass AND c.relname ~ '^event_[0-9]{8}$' ORDER BY 1");
    for (int i = 0; i < days.rows(); ++i) {
        const StampNs midnight = days.number(i, 0) * 24 * kHourNs;
        const StampNs end = std::min(midnight + 24 * kHourNs, to_ns);
        for (StampNs at = std::max(midnight, from_ns); at < end;) {
            const StampNs next = std::min(at - (at - midnight) % kHourNs + kHourNs, end);
            bool goes_on = true;
            connection_.stream(kRows, {log_number_, timestamp(at), timestamp(next)},
                               [&](const PostgresResult& row) {
                                   goes_on = visit(event_of_row(row));
                                   return goes_on;
                               });
            if (!goes_on || !hour_done(next)) return;
            at = next;
        }
    }
}

RegionalHistory::Row RegionalHistory::event_of_row(const PostgresResult& row) {
    const auto text = [&](Column column) {
        return row.is_null(0, column) ? std::string_view() : row.text(0, column);
    };
    Row out{};
    out.seq = static_cast<Seq>(big_endian<int64_t>(text(kSeq)));
    out.received_ns = stamp_of(text(kReceived));
    const auto tenant = log_.names().tenant(text(kTenant));
    if (!tenant)
        throw std::runtime_error(
            fmt::format("event {} is of tenant {}, which this log does not know", out.seq, text(kTenant)));
    EventHead& head = out.head;
    head.time_ns = stamp_of(text(kTime));
    head.tenant = *tenant;
    head.region = region_;
    if (!text(kSeverity).empty()) head.severity = static_cast<uint8_t>(big_endian<int16_t>(text(kSeverity)));

    EventFields fields;
    fields.id = text(kId);
    fields.source = text(kSource);
    fields.type = text(kType);
    fields.subject = text(kSubject);
    fields.data = text(kData);
    fields.severity = head.severity;
    if (head.time_ns != out.received_ns) {  // else the producer gave none
        fields.time_ns = head.time_ns;
        head.flags |= kHeadHasTime;
    }
    json::value attributes;
    if (!text(kAttributes).empty()) attributes = json::parse(text(kAttributes));
    if (const json::object* groups = attributes.if_object()) {
        read_pairs(*groups, "keys", fields.keys);
        read_pairs(*groups, "groups", fields.groups);
        read_pairs(*groups, "extensions", fields.extensions);
    }
    head.type_hash = type_hash(fields.type);
    if (!fields.subject.empty()) head.key = hasher_.key(head.tenant, fields.subject);
    out.bytes = builder_.build(fields);
    head.length = static_cast<uint32_t>(out.bytes.size());
    return out;
}

std::map<Seq, std::string> RegionalHistory::key_texts(const std::vector<Seq>& events, StampNs from_ns,
                                                      StampNs to_ns) {
    std::map<Seq, std::string> out;
    if (events.empty()) return out;
    const PostgresResult found = connection_.query(
        "SELECT seq, coalesce(subject, id) FROM penstock.event WHERE log = $1::integer AND seq = "
        "ANY($2::bigint[]) "
        "AND received >= $3::timestamptz AND received < $4::timestamptz",
        {log_number_, fmt::format("{{{}}}", fmt::join(events, ",")), timestamp(from_ns), timestamp(to_ns)});
    for (int i = 0; i < found.rows(); ++i)
        out.emplace(static_cast<Seq>(found.number(i, 0)), std::string(found.text(i, 1)));
    return out;
}

}  // namespace penstock
