// `penstock log verify`: every record, and the state against a replay of them.
#include <fmt/format.h>

#include <filesystem>

#include "admin/appliance_check.h"
#include "admin/cli/event_text.h"
#include "admin/cli/log_reading.h"

namespace penstock::cli {
namespace {

struct Verdict {
    uint64_t records = 0, items = 0, bytes = 0;
    std::string damage;  ///< of the log; empty: sound
    Seq damaged_seq = 0;
    std::string state_skipped;  ///< why it was not checked
    std::optional<StateCheck::Result> state;
    Seq applied_seq = 0;

    bool sound() const { return damage.empty() && !(state && state->difference); }
};

std::string as_json(const Verdict& v) {
    std::string text = fmt::format("{{\"sound\":{},\"records\":{},\"items\":{},\"bytes\":{}", v.sound(),
                                   v.records, v.items, v.bytes);
    if (!v.damage.empty())
        text += fmt::format(",\"damage\":{{\"seq\":{},\"what\":{}}}", v.damaged_seq, json_string(v.damage));
    if (v.state) {
        text += fmt::format(",\"state\":{{\"checked\":true,\"applied_seq\":{},\"rows\":{},\"digest\":\"{}\"",
                            v.applied_seq, v.state->rows, v.state->digest);
        if (v.state->difference) text += fmt::format(",\"difference\":{}", json_string(*v.state->difference));
        text += "}";
    } else if (!v.state_skipped.empty()) {
        text += fmt::format(",\"state\":{{\"checked\":false,\"why\":{}}}", json_string(v.state_skipped));
    }
    return text + "}\n";
}

std::string as_text(const Verdict& v) {
    std::string text =
        fmt::format("{} records with {} events and dead letters ({}) are sound\n", with_commas(v.records),
                    with_commas(v.items), short_bytes(static_cast<double>(v.bytes)));
    if (v.state && !v.state->difference)
        text += fmt::format("the state up to {} is what its records make: {} rows, digest {}\n",
                            v.applied_seq - 1, with_commas(v.state->rows), v.state->digest);
    if (!v.state_skipped.empty()) text += fmt::format("the state was not checked: {}\n", v.state_skipped);
    return text;
}

/// Null, and why, where it cannot be checked.
std::unique_ptr<StateCheck> open_state(const LogPlace& place, const EventLog& log, std::string& why) {
    const std::string path = place.folder() + "/state";
    if (!std::filesystem::exists(path + "/data.mdb")) {
        why = "there is none yet";
        return nullptr;
    }
    if (log.bounds().records > 0 && log.bounds().first_seq > 1) {
        why =
            fmt::format("the log begins at {}; what it was made of has left the log", log.bounds().first_seq);
        return nullptr;
    }
    return std::make_unique<StateCheck>(path, log);
}

}  // namespace

int verify_log(const LogPlace& place, const OutputFormat& output, bool quiet) {
    const auto work = [&](GuardedProgress& progress) -> int {
        const auto log = place.open();
        Verdict v;
        StampNs last_stamp = kNoTime;
        try {
            const auto state = open_state(place, *log, v.state_skipped);
            scan_in_slices(*log, 1, true, progress, [&](const RecordView& record, bool gap) {
                v.damaged_seq = record.first_seq();
                if (gap)
                    v.damage = fmt::format("the record at {} does not follow on from the one before it",
                                           v.damaged_seq);
                else if (record.header->base_stamp_ns <= last_stamp)
                    v.damage = fmt::format("the record at {} is stamped before its predecessor's last item",
                                           v.damaged_seq);
                if (!v.damage.empty()) return false;
                last_stamp = record.last_stamp();
                ++v.records;
                v.items += record.count();
                v.bytes += record.header->value_bytes();
                if (state) state->apply(record);
                return true;
            });
            if (state && v.damage.empty()) {
                v.applied_seq = state->applied_seq();
                v.state = state->finish();
            }
        } catch (const LogError& e) {
            v.damage = e.what();
            v.damaged_seq = progress.seq;
        }
        if (quiet && v.sound()) return kOk;
        print(output.json() ? as_json(v) : as_text(v));
        if (!v.damage.empty())
            complain(fmt::format("damaged: {}; what follows was not looked at", v.damage));
        else if (v.state && v.state->difference)
            complain(
                fmt::format("the state is not what its records make: {}. Stop the appliance and remove "
                            "state/ to rebuild it from the log",
                            *v.state->difference));
        return v.sound() ? kOk : kDamaged;
    };
    return run_guarded(work, [&](const GuardedProgress& progress) {
        Verdict v;
        v.damage = "a page cannot be read";
        v.damaged_seq = progress.seq.load();
        if (output.json()) print(as_json(v));
    });
}

}  // namespace penstock::cli
