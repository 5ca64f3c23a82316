// penstock log show: single events out of the hot log.
#include <array>

#include "admin/cli/log_reading.h"
#include "admin/http/event_json.h"
#include "schemas/identity.h"

namespace penstock::cli {
namespace {

void append_line(std::string& out, const RecordView& record, size_t item, const LogNames& names) {
    http::JsonWriter json;
    if (record.header->kind == RecordKind::kDeadLetters)
        http::write_dead_letter(json, record, item, names);
    else
        http::write_event(json, record, item, names);
    out += json.take();
    out += '\n';
}

int show_seq(const EventLog& log, Seq seq, GuardedProgress& progress) {
    std::string out, other;
    scan_in_slices(log, seq, false, progress, [&](const RecordView& record, bool) {
        if (record.first_seq() > seq) return false;
        if (record.count() == 0)
            other = fmt::format("sequence {} is a control record: {}", seq, kind_name(record));
        else
            append_line(out, record, seq - record.first_seq(), log.names());
        return false;
    });
    if (!other.empty()) {
        complain(other);
    } else if (out.empty()) {
        const EventLog::Bounds bounds = log.bounds();
        throw CommandError(kFailed, fmt::format("sequence {} is not in the log, which holds {} to {}", seq,
                                                bounds.first_seq, bounds.next_seq - 1));
    }
    print(out);
    return kOk;
}

/// What is looked for, as the log's columns hold it.
struct Wanted {
    bool by_key = false;
    Hash128 hash;
    uint16_t tenant = 0;

    bool in(const RecordView& record) const {
        return record.header->kind == RecordKind::kEvents && (!by_key || bloom_may_hold(record.bloom, hash));
    }
    bool is(const RecordView& record, size_t item) const {
        if (record.heads[item].tenant != tenant) return false;
        return by_key ? record.heads[item].key == hash : record.identities[item].id == hash;
    }
};

int show_matching(const EventLog& log, const ShowQuery& query, GuardedProgress& progress) {
    const auto tenant = log.names().tenant(query.tenant);
    if (!tenant)
        throw CommandError(kFailed, fmt::format("this log has no events of a tenant \"{}\"", query.tenant));
    IdentityHasher hasher(log.identity().hash_secret);
    Wanted wanted;
    wanted.by_key = !query.key.empty();
    wanted.tenant = *tenant;
    wanted.hash = wanted.by_key ? hasher.key(*tenant, query.key) : hasher.id(*tenant, query.source, query.id);

    constexpr size_t kBlockBytes = 64 * 1024;
    std::string out;
    uint64_t found = 0;
    catch_interrupts();
    scan_in_slices(log, 1, false, progress, [&](const RecordView& record, bool) {
        if (interrupts() > 0) return false;
        if (!wanted.in(record)) return true;
        for (size_t i = 0; i < record.count(); ++i) {
            if (!wanted.is(record, i)) continue;
            append_line(out, record, i, log.names());
            if (++found == query.limit) return false;
        }
        if (out.size() > kBlockBytes) {
            print(out);
            out.clear();
        }
        return true;
    });
    print(out);
    if (interrupts() > 0) return kInterrupted;
    if (found > 0) return kOk;
    complain("the hot log holds no such event (older ones are in the region's database)");
    return kFailed;
}

}  // namespace

int show_events(const LogPlace& place, const ShowQuery& query) {
    if (!query.seq && query.key.empty() && query.id.empty())
        throw CommandError(kUsage, "say what to show: --key SUBJECT, --seq N, or --id ID --source SOURCE");
    if (!query.id.empty() && query.source.empty())
        throw CommandError(kUsage, "an id names an event only together with its source; add --source");
    return run_guarded([&](GuardedProgress& progress) -> int {
        try {
            const auto log = place.open();
            return query.seq ? show_seq(*log, *query.seq, progress) : show_matching(*log, query, progress);
        } catch (const LogError& e) {
            throw CommandError(kDamaged, e.what());
        }
    });
}

}  // namespace penstock::cli
