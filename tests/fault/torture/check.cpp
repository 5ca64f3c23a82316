#include "tests/fault/torture/check.h"

#include <libpq-fe.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <set>

#include "storage/event_log.h"

namespace penstock::test::torture {

namespace {
namespace json = boost::json;
using Producers = std::vector<std::unique_ptr<Producer>>;

/// "(source, id)" of every row, by COPY.
template <typename Visit>
void for_each_row(const PostgresCluster& cluster, Visit visit) {
    const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdb(cluster.admin_dsn().c_str()),
                                                                PQfinish);
    const std::unique_ptr<PGresult, void (*)(PGresult*)> begun(
        PQexec(connection.get(), "COPY (SELECT source, id FROM penstock.event) TO STDOUT"), PQclear);
    if (PQresultStatus(begun.get()) != PGRES_COPY_OUT)
        throw std::runtime_error(std::string("reading a region: ") + PQerrorMessage(connection.get()));
    char* row = nullptr;
    for (int n; (n = PQgetCopyData(connection.get(), &row, 0)) > 0; PQfreemem(row)) {
        const std::string_view text(row, static_cast<size_t>(n));
        const size_t tab = text.find('\t');
        visit(text.substr(0, tab), std::strtoull(row + tab + 1, nullptr, 10));
    }
}

}  // namespace

Totals expected(const Producers& producers) {
    Totals t;
    t.by_region.assign(std::size(kRegions), 0);
    for (const auto& p : producers)
        for (uint64_t n = 1; n <= p->made(); ++n) {
            const Event e = event_of(p->options().index, n);
            if (e.bad) {
                ++t.refused;
            } else {
                ++t.events;
                ++t.by_region[static_cast<size_t>(e.region)];
            }
        }
    return t;
}

void check_regions(const Producers& producers, const std::vector<PostgresCluster*>& clusters, Field& field,
                   Totals& totals) {
    for (size_t region = 0; region < clusters.size(); ++region) {
        std::vector<std::vector<uint8_t>> seen;
        for (const auto& p : producers) seen.emplace_back(p->made() + 1, uint8_t{0});
        for_each_row(*clusters[region], [&](std::string_view source, uint64_t n) {
            for (size_t p = 0; p < producers.size(); ++p)
                if (source == source_of(p) && n >= 1 && n <= producers[p]->made()) {
                    seen[p][n] = static_cast<uint8_t>(std::min(seen[p][n] + 1, 200));
                    return;
                }
            ++totals.strange;
            field.wrong(fmt::format("region {} holds event {} of {}, which was never sent", kRegions[region],
                                    n, source));
        });
        for (size_t p = 0; p < producers.size(); ++p)
            for (uint64_t n = 1; n <= producers[p]->made(); ++n) {
                const Event e = event_of(p, n);
                const int wanted = !e.bad && e.region == static_cast<int>(region);
                if (seen[p][n] == wanted) continue;
                ++(seen[p][n] < wanted ? totals.missing : wanted ? totals.twice : totals.strange);
                field.wrong(fmt::format("event {} of {} is {} times in region {}; it must be {} times", n,
                                        source_of(p), seen[p][n], kRegions[region], wanted));
            }
    }
}

void check_dead_letters(const Producers& producers, const std::string& data_dir, Field& field,
                        Totals& totals) {
    const EventLog log({data_dir + "/log", 2ULL << 30, true});
    std::set<std::string> found;
    StampNs first_stamp = 0;
    LogReader(log).scan(1, [&](const RecordView& record) {
        if (first_stamp == 0) first_stamp = record.header->base_stamp_ns;
        if (record.header->kind != RecordKind::kDeadLetters) return true;
        for (size_t i = 0; i < record.count(); ++i) {
            const auto* letter = flatbuffers::GetRoot<fb::DeadLetter>(record.bytes(i).data());
            found.emplace(reinterpret_cast<const char*>(letter->raw()->data()), letter->raw()->size());
        }
        return true;
    });
    EventBuilder builder;
    for (const auto& p : producers)
        for (const auto& [n, sent_ns] : p->refused()) {
            if (n > p->made() || sent_ns < first_stamp) continue;
            const Event e = event_of(p->options().index, n);
            std::string raw = e.line();
            raw.pop_back();
            if (p->options().binary) {
                const auto bytes = builder.build(e.fields());
                raw.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            }
            ++totals.dead_letters_looked_for;
            if (!found.contains(raw))
                field.wrong(fmt::format("event {} of {} was refused, but is no dead letter", n, e.source));
        }
}

void check_deadlines(const Producers& producers, const ApplianceProcess& appliance,
                     const std::string& workflow_file, Field& field) {
    const TemporaryFile events("events.ndjson", "");
    {
        std::ofstream out(events.path());
        for (const auto& p : producers)
            for (uint64_t n = 1; n <= p->made(); ++n)
                if (const Event e = event_of(p->options().index, n); !e.bad) out << e.line();
    }
    const CommandResult simulated =
        penstock({"simulate", "--workflow", workflow_file, "--events", events.path(), "-o", "json"});
    if (simulated.exit_code != 0) return field.wrong("simulate: " + simulated.err);
    const auto counts = [](const json::value& edge) {
        const auto number = [&](const char* name) { return edge.at(name).to_number<uint64_t>(); };
        return fmt::format("{} anchored, {} met, {} late, {} missed or pending", number("anchored"),
                           number("met"), number("late"), number("missed") + number("pending"));
    };
    const std::string wanted = counts(json::parse(simulated.out).at("edges").at(0));
    std::string live;
    const bool same = eventually([&] {
        const json::value status = json::parse(appliance.get("/api/v1/status"));
        live = counts(status.at("sla").at("workflows").at(0).at("edges").at(0));
        return live == wanted;
    });
    if (!same) field.wrong(fmt::format("deadlines: live {}; simulated {}", live, wanted));
}

}  // namespace penstock::test::torture
