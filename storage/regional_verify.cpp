#include "storage/regional_verify.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <stdexcept>

#include "schemas/event_generated.h"
#include "schemas/refusal.h"

namespace penstock {
namespace {

constexpr int64_t kHourNs = 3'600'000'000'000;
constexpr int64_t kSliceRecords = 1024;

// The same bytes as RowBatch writes, but for the number of columns in front and the column `log`.
constexpr const char* kDigestSql = R"sql(
('x' || encode(substr(sha256(
    '\x00000008'::bytea || int8send(seq) || '\x00000008'::bytea || timestamptz_send(received) ||
    '\x00000008'::bytea || timestamptz_send(time) ||
    coalesce('\x00000002'::bytea || int2send(severity), '\xffffffff'::bytea) ||
    int4send(octet_length(tenant)) || textsend(tenant) || int4send(octet_length(source)) || textsend(source) ||
    int4send(octet_length(id)) || textsend(id) || int4send(octet_length(type)) || textsend(type) ||
    coalesce(int4send(octet_length(subject)) || textsend(subject), '\xffffffff'::bytea) ||
    coalesce(int4send(octet_length(data::text)) || textsend(data::text), '\xffffffff'::bytea) ||
    coalesce(int4send(octet_length(attributes::text)) || textsend(attributes::text), '\xffffffff'::bytea)
), 1, 8), 'hex'))::bit(64)::bigint
)sql";
constexpr size_t kLogColumnAt = 2 + 3 * (4 + 8), kLogColumnBytes = 4 + 4;

constexpr const char* kRowsSql = R"sql(
FROM penstock.event WHERE log = $1::integer AND seq >= $2::bigint AND seq < $3::bigint
AND received >= timestamptz 'epoch' + $4::bigint * interval '1 microsecond'
AND received < timestamptz 'epoch' + $5::bigint * interval '1 microsecond'
)sql";

/// As PostgreSQL's numeric: it does not overflow.
__extension__ using Sum = __int128;

int64_t digest_of(std::span<const uint8_t> encoded) {
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, encoded.data() + 2, kLogColumnAt - 2);
    const auto rest = encoded.subspan(kLogColumnAt + kLogColumnBytes);
    crypto_hash_sha256_update(&state, rest.data(), rest.size());
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(&state, hash);
    uint64_t first = 0;
    for (int i = 0; i < 8; ++i) first = first << 8 | hash[i];
    return static_cast<int64_t>(first);
}

RowsDigest sum_of(const std::vector<RowDigest>& rows) {
    Sum sum = 0;
    for (const RowDigest& row : rows) sum += row.digest;
    return {rows.size(), fmt::format("{}", sum)};
}

/// What is told apart by sequence. Both are sorted.
HourDifference difference_of(const std::vector<RowDigest>& log, const std::vector<RowDigest>& region) {
    HourDifference out;
    out.log_rows = log.size();
    out.region_rows = region.size();
    auto l = log.begin();
    auto r = region.begin();
    while (l != log.end() || r != region.end()) {
        if (r == region.end() || (l != log.end() && l->seq < r->seq)) {
            out.missing.push_back((l++)->seq);
        } else if (l == log.end() || r->seq < l->seq) {
            out.extra.push_back((r++)->seq);
        } else {
            if (l->digest != r->digest) out.different.push_back(l->seq);
            ++l, ++r;
        }
    }
    return out;
}

}  // namespace

RegionVerifier::RegionVerifier(const Options& options, const EventLog& log, const StopSignal& stop)
    : options_(options),
      log_(log),
      connection_({.dsn = options.dsn,
                   .application_name = "penstock verify " + options.region,
                   .timeout_ns = options.timeout_ns},
                  stop),
      reader_(log) {
    const auto id = log.names().region(options.region);
    connection_.script("SET default_transaction_read_only = on");
    const PostgresResult row = connection_.query(
        "SELECT log, begin_seq, seq FROM penstock.ledger WHERE log_id = $1::uuid", {log.identity().log_id});
    if (row.rows() != 1 || !id)
        throw std::runtime_error(fmt::format("region {} has nothing of this log", options.region));
    region_id_ = *id;
    log_number_ = std::string(row.text(0, 0));
    const EventLog::Bounds bounds = log.bounds();
    verdict_.from = std::max(bounds.first_seq, static_cast<Seq>(row.number(0, 1)));
    verdict_.end = std::max(verdict_.from, std::min(bounds.next_seq, static_cast<Seq>(row.number(0, 2))));
}

/// A region's refusal comes after the event, however long after.
void RegionVerifier::find_refused() {
    const std::string peer = "region " + options_.region;
    int64_t records = 0;
    for (Seq at = verdict_.from;;) {
        records = 0;
        const Seq next = reader_.scan(at, [&](const RecordView& record) {
            for (size_t i = 0; record.header->kind == RecordKind::kDeadLetters && i < record.count(); ++i) {
                const auto bytes = record.bytes(i);
                flatbuffers::Verifier verifier(bytes.data(), bytes.size());
                if (!verifier.VerifyBuffer<fb::DeadLetter>(nullptr)) continue;
                const auto* letter = flatbuffers::GetRoot<fb::DeadLetter>(bytes.data());
                if (letter->cause() == static_cast<uint16_t>(Refusal::kRegionRefused) && letter->peer() &&
                    letter->peer()->string_view() == peer)
                    refused_.insert(letter->position());
            }
            return ++records < kSliceRecords;
        });
        if (next == at) return;
        at = next;
    }
}

std::vector<RowDigest> RegionVerifier::log_rows(StampNs hour_ns) {
    std::vector<RowDigest> rows;
    int64_t records = 0;
    bool over = false;
    for (Seq at = std::max(verdict_.from, reader_.find_received(hour_ns)); !over;) {
        records = 0;
        const Seq next = reader_.scan(
            at,
            [&](const RecordView& record) {
                over =
                    record.first_seq() >= verdict_.end || record.header->base_stamp_ns >= hour_ns + kHourNs;
                if (over) return false;
                if (record.header->kind == RecordKind::kEvents && record.may_hold_region(region_id_)) {
                    batch_.clear(0, record.first_seq(), 1 << 20);
                    for (size_t i = 0; i < record.count(); ++i) {
                        const Seq seq = record.first_seq() + i;
                        const StampNs stamp = record.stamp(i);
                        if (record.heads[i].region != region_id_ || seq < verdict_.from ||
                            seq >= verdict_.end || stamp < hour_ns || stamp >= hour_ns + kHourNs ||
                            refused_.contains(seq))
                            continue;
                        batch_.add(record, i, log_.names().tenants[record.heads[i].tenant]);
                        const size_t row = batch_.rows() - 1;
                        rows.push_back({seq, digest_of(batch_.encoded(row, row + 1))});
                    }
                }
                return ++records < kSliceRecords;
            },
            true);
        over = over || next == at;
        at = next;
    }
    return rows;
}

std::vector<std::string> RegionVerifier::parameters(StampNs hour_ns) const {
    return {log_number_, std::to_string(verdict_.from), std::to_string(verdict_.end),
            std::to_string(hour_ns / 1000), std::to_string((hour_ns + kHourNs) / 1000)};
}

RowsDigest RegionVerifier::region_digest(StampNs hour_ns) {
    const std::string sql = fmt::format("SELECT count(*), coalesce(sum({}), 0) {}", kDigestSql, kRowsSql);
    const PostgresResult row = connection_.query(sql.c_str(), parameters(hour_ns));
    return {static_cast<uint64_t>(row.number(0, 0)), std::string(row.text(0, 1))};
}

std::vector<RowDigest> RegionVerifier::region_rows(StampNs hour_ns) {
    const std::string sql = fmt::format("SELECT seq, {} {} ORDER BY seq", kDigestSql, kRowsSql);
    const PostgresResult rows = connection_.query(sql.c_str(), parameters(hour_ns));
    std::vector<RowDigest> out;
    for (int i = 0; i < rows.rows(); ++i)
        out.push_back({static_cast<Seq>(rows.number(i, 0)), rows.number(i, 1)});
    return out;
}

RegionVerdict RegionVerifier::run(const std::function<bool(StampNs, double)>& progress) {
    if (verdict_.from >= verdict_.end) return verdict_;
    find_refused();
    StampNs first_ns = 0, last_ns = 0;
    reader_.scan(verdict_.from, [&](const RecordView& record) {
        first_ns = record.header->base_stamp_ns;
        return false;
    });
    reader_.scan(verdict_.end - 1, [&](const RecordView& record) {
        last_ns = record.last_stamp();
        return false;
    });
    const StampNs begin_ns = std::max(first_ns, options_.from_ns) / kHourNs * kHourNs;
    const StampNs end_ns = std::min(last_ns + 1, options_.to_ns);
    for (StampNs hour = begin_ns; hour < end_ns; hour += kHourNs) {
        const double done = static_cast<double>(hour - begin_ns) / static_cast<double>(end_ns - begin_ns);
        if (!progress(hour, done)) break;
        const std::vector<RowDigest> rows = log_rows(hour);
        ++verdict_.hours;
        if (region_digest(hour) == sum_of(rows)) {
            verdict_.rows += rows.size();
            continue;
        }
        // What retention has taken meanwhile cannot be compared any more.
        const Seq first = log_.bounds().first_seq;
        if (first > verdict_.from) {
            verdict_.from = first;
            if (rows.empty() || rows.front().seq < first) {
                hour -= kHourNs;  // again, with what is left
                --verdict_.hours;
                continue;
            }
        }
        HourDifference difference = difference_of(rows, region_rows(hour));
        difference.hour_ns = hour;
        verdict_.differences.push_back(std::move(difference));
    }
    verdict_.refused = static_cast<uint64_t>(
        std::distance(refused_.lower_bound(verdict_.from), refused_.lower_bound(verdict_.end)));
    return verdict_;
}

}  // namespace penstock
