// `penstock regions verify`: whether the regions' databases have what the log says.
#include <CLI/CLI.hpp>
#include <memory>

#include "admin/cli/event_text.h"
#include "admin/cli/log_reading.h"
#include "pipeline/rfc3339.h"
#include "storage/regional_verify.h"

namespace penstock::cli {
namespace {

constexpr size_t kShown = 20;  // of each kind, for people

struct Flags {
    LogPlace place;
    OutputFormat output;
    std::string region, from, to;
};

StampNs instant(const std::string& text, const char* flag, StampNs otherwise) {
    if (text.empty()) return otherwise;
    if (const auto at = parse_rfc3339(text)) return *at;
    throw CommandError(
        kUsage, fmt::format("{} \"{}\" is no RFC 3339 instant, such as 2026-01-31T08:00:00Z", flag, text));
}

std::string json_list(const std::vector<Seq>& seqs) { return fmt::format("[{}]", fmt::join(seqs, ",")); }

std::string as_json(const std::string& region, const RegionVerdict& v) {
    std::string hours;
    for (const HourDifference& d : v.differences)
        hours += fmt::format(
            "{}{{\"hour\":\"{}\",\"log_rows\":{},\"region_rows\":{},\"missing\":{},\"extra\":{},"
            "\"different\":{}}}",
            hours.empty() ? "" : ",", format_rfc3339(d.hour_ns), d.log_rows, d.region_rows,
            json_list(d.missing), json_list(d.extra), json_list(d.different));
    return fmt::format(
        "{{\"region\":{},\"agrees\":{},\"from_seq\":{},\"end_seq\":{},\"hours\":{},\"rows\":{},\"refused\":{}"
        ","
        "\"differences\":[{}]}}\n",
        json_string(region), v.agrees(), v.from, v.end, v.hours, v.rows, v.refused, hours);
}

std::string some_of(std::string_view what, const std::vector<Seq>& seqs) {
    if (seqs.empty()) return "";
    const std::vector<Seq> shown(seqs.begin(), seqs.begin() + std::min(seqs.size(), kShown));
    const std::string more =
        seqs.size() > kShown ? fmt::format(" and {} more", with_commas(seqs.size() - kShown)) : "";
    return fmt::format("    {}: {}{}\n", what, fmt::join(shown, ", "), more);
}

std::string as_text(const std::string& region, const RegionVerdict& v) {
    std::string text =
        v.from >= v.end
            ? fmt::format("{}: nothing to compare\n", region)
            : fmt::format("{}: {} rows in {} hours agree, of sequences {} to {}{}\n", region,
                          with_commas(v.rows), v.hours, v.from, v.end - 1,
                          v.refused > 0 ? fmt::format("; {} are dead letters", with_commas(v.refused)) : "");
    for (const HourDifference& d : v.differences)
        text += coloured(Ink::kRed,
                         fmt::format("  {}: the log has {} rows, the region {}\n", format_rfc3339(d.hour_ns),
                                     with_commas(d.log_rows), with_commas(d.region_rows)),
                         true) +
                some_of("missing in the region", d.missing) + some_of("only in the region", d.extra) +
                some_of("different", d.different);
    return text;
}

int verify(const Flags& flags) {
    const Config config = flags.place.config.load();
    const StampNs from = instant(flags.from, "--from", 0);
    const StampNs to = instant(flags.to, "--to", std::numeric_limits<StampNs>::max());
    const bool known =
        flags.region.empty() ||
        std::any_of(config.regions.begin(), config.regions.end(),
                    [&](const Config::Region& r) { return r.name == flags.region && !r.dsn.empty(); });
    if (!known)
        throw CommandError(kUsage, fmt::format("--region \"{}\" is no region with a dsn", flags.region));
    return run_guarded([&](GuardedProgress&) -> int {
        const auto log = flags.place.open();
        const StopSignal stop;
        int code = kOk;
        for (const Config::Region& region : config.regions) {
            if (region.dsn.empty() || (!flags.region.empty() && region.name != flags.region)) continue;
            try {
                RegionVerifier verifier(
                    {region.name, region.read_dsn.empty() ? region.dsn : region.read_dsn, from, to}, *log,
                    stop);
                const RegionVerdict v = verifier.run([&](StampNs hour, double done) {
                    if (stderr_is_terminal())
                        fmt::print(stderr, "\r{}: {} {:3.0f}%\x1b[K", region.name, format_rfc3339(hour),
                                   done * 100);
                    return true;
                });
                if (stderr_is_terminal()) fmt::print(stderr, "\r\x1b[K");
                print(flags.output.json() ? as_json(region.name, v) : as_text(region.name, v));
                if (!v.agrees()) code = kFailed;
            } catch (const PostgresError& e) {
                complain(fmt::format("{}: {}", region.name, e.what()));
                if (code != kFailed) code = e.connection_lost ? kUnreachable : kFailed;
            } catch (const LogError& e) {
                complain(e.what());
                return kDamaged;
            } catch (const std::runtime_error& e) {
                complain(e.what());
                code = kFailed;
            }
        }
        return code;
    });
}

}  // namespace

void add_regions_verify(CLI::App& regions, int& exit_code) {
    auto flags = std::make_shared<Flags>();
    CLI::App* command = regions.add_subcommand(
        "verify", "Compare what the regions' databases have with what the log says, row for row");
    command->footer(
        "Counts and digests an hour, by receipt, of all that the log still has and a region has taken. "
        "Where\n"
        "they differ, says which sequences are missing, extra or different. Reads only, also beside a "
        "running\n"
        "appliance.\n\n"
        "Examples:\n"
        "  penstock regions verify --config penstock.toml\n"
        "  penstock regions verify --region eu --from 2026-01-31T08:00:00Z -o json\n\n"
        "Exit codes: 0 all agree, 1 something differs, 3 a region could not be reached, 4 the log is "
        "damaged.");
    command->add_option("--region", flags->region, "this region alone");
    command->add_option("--from", flags->from,
                        "received then or later (RFC 3339); the whole hour is compared");
    command->add_option("--to", flags->to, "received before");
    flags->place.add_to(*command);
    flags->output.add_to(*command);
    command->callback([flags, &exit_code] { exit_code = verify(*flags); });
}

}  // namespace penstock::cli
