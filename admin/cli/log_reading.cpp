#include "admin/cli/log_reading.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>

#include "admin/cli/event_text.h"
#include "admin/region_keys.h"
#include "schemas/event_generated.h"

namespace penstock::cli {
namespace {

constexpr size_t kSliceRecords = 1024;
constexpr std::array<std::string_view, 13> kControlNames{"control",
                                                         "boot",
                                                         "tick",
                                                         "positions",
                                                         "workflow",
                                                         "workflow retired",
                                                         "watermark",
                                                         "caught up",
                                                         "producer connected",
                                                         "producer disconnected",
                                                         "retry",
                                                         "drop",
                                                         "expired"};

std::string regions_of(const RecordView& record, const LogNames& names) {
    std::string text;
    for (uint16_t i = 0; i < names.regions.size() && record.header->kind == RecordKind::kEvents; ++i)
        if (record.may_hold_region(i)) text += (text.empty() ? "" : ",") + names.regions[i];
    return text;
}

}  // namespace

void LogPlace::add_to(CLI::App& command) {
    command.add_option("--data-dir", data_dir,
                       "the appliance's data folder; without it that of the configuration");
    config.add_to(command);
}

std::string LogPlace::folder() const { return data_dir.empty() ? config.load().data_dir : data_dir; }

std::unique_ptr<EventLog> LogPlace::open() const {
    const Config loaded = config.load();
    EventLog::Options options;
    options.path = (data_dir.empty() ? loaded.data_dir : data_dir) + "/log";
    if (data_dir.empty()) options.bytes_max = loaded.log.bytes_max;
    options.read_only = true;
    try {
        auto log = std::make_unique<EventLog>(options);
        log->use_keys(region_keys(loaded, log->names()));
        return log;
    } catch (const LogError& e) {
        throw CommandError(e.code == MDB_CORRUPTED || e.code == MDB_INVALID ? kDamaged : kFailed, e.what());
    } catch (const SealError& e) {
        throw CommandError(kFailed, e.what());
    }
}

void scan_in_slices(const EventLog& log, Seq from, bool verify, GuardedProgress& progress,
                    const std::function<bool(const RecordView&, bool gap)>& visit) {
    const LogReader reader(log);
    Seq expected = 0;  // nothing before the first record
    bool more = true;
    progress.seq = from;
    while (more) {
        size_t records = 0;
        const auto take = [&](const RecordView& record) {
            progress.seq = record.first_seq();
            bool gap = expected != 0 && record.first_seq() != expected;
            // At the start of a slice the records before it may just have been trimmed.
            if (gap && records == 0 && log.bounds().first_seq == record.first_seq()) gap = false;
            ++records;
            expected = record.end_seq();
            more = visit(record, gap);
            progress.seq = expected;
            return more && records < kSliceRecords;
        };
        reader.scan(expected == 0 ? from : expected, take, verify);
        if (records < kSliceRecords) return;
    }
}

std::string kind_name(const RecordView& record) {
    switch (record.header->kind) {
        case RecordKind::kEvents:
            return "events";
        case RecordKind::kDeadLetters:
            return "dead letters";
        case RecordKind::kControl:
            break;
    }
    if (record.count() == 0 || record.heads[0].length < 8) return "control";
    const auto bytes = record.bytes(0);
    flatbuffers::Verifier verifier(bytes.data(), bytes.size());
    if (!verifier.VerifyBuffer<fb::Control>(nullptr)) return "control";
    const auto* control = flatbuffers::GetRoot<fb::Control>(bytes.data());
    std::string name(control->kind() < kControlNames.size() ? kControlNames[control->kind()]
                                                            : kControlNames[0]);
    if (control->name() != nullptr && control->name()->size() > 0) name += " " + control->name()->str();
    return name;
}

int list_records(const LogPlace& place, uint64_t limit, const OutputFormat& output) {
    return run_guarded([&](GuardedProgress& progress) -> int {
        const auto log = place.open();
        const LogReader reader(*log);
        uint64_t listed = 0;
        std::string out;
        if (!output.json())
            out = coloured(Ink::kBold,
                           fmt::format("{:>12}  {:<30}  {:<18}  {:>6}  {:>9}  {}\n", "seq", "received",
                                       "kind", "count", "bytes", "regions"),
                           true);
        reader.scan_back([&](const RecordView& record) {
            if (listed == limit) return false;
            progress.seq = record.first_seq();
            ++listed;
            const std::string regions = regions_of(record, log->names());
            const std::string received = format_rfc3339(record.header->base_stamp_ns);
            const size_t bytes = record.header->value_bytes();
            if (output.json())
                out += fmt::format(
                    "{{\"seq\":{},\"received\":\"{}\",\"kind\":{},\"count\":{},\"bytes\":{},\"regions\":{}}}"
                    "\n",
                    record.first_seq(), received, json_string(kind_name(record)), record.count(), bytes,
                    json_string(regions));
            else
                out += fmt::format("{:>12}  {:<30}  {:<18}  {:>6}  {:>9}  {}\n", record.first_seq(), received,
                                   kind_name(record), record.count(), short_bytes(static_cast<double>(bytes)),
                                   regions);
            return true;
        });
        print(out);
        return kOk;
    });
}

}  // namespace penstock::cli
