// penstock audit: who did what, and whether the trail is whole.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <memory>
#include <vector>

#include "admin/cli/commands.h"
#include "admin/cli/event_text.h"
#include "admin/cli/json_members.h"
#include "admin/cli/log_reading.h"
#include "admin/cli/place.h"
#include "admin/cli/terminal.h"
#include "admin/http/text.h"
#include "pipeline/audit_chain.h"
#include "schemas/event_fields.h"
#include "storage/state_store.h"

namespace penstock::cli {
namespace {

namespace json = boost::json;

std::string entry_line(const json::object& e) {
    std::string line =
        fmt::format("{:>7}  {}  {:<20}  {:<16}  {}", number_at(e, "number"), short_time(text_at(e, "at")),
                    text_at(e, "action"), text_at(e, "by"), text_at(e, "target"));
    if (!flag_at(e, "done")) line += "  (refused)";
    const std::string before = text_at(e, "before"), after = text_at(e, "after");
    if (!after.empty()) line += before.empty() ? "  " + after : fmt::format("  {} -> {}", before, after);
    if (const std::string address = text_at(e, "address"); !address.empty()) line += "  from " + address;
    if (const std::string why = text_at(e, "why"); !why.empty()) line += "  (" + why + ")";
    return one_line(std::move(line)) + "\n";
}

void add_list(CLI::App& parent, int& exit_code) {
    struct Flags {
        Place place;
        std::string by, action, target, from, to;
        uint64_t limit = 50;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = parent.add_subcommand("list", "Who did what, newest first");
    command->footer(
        "Examples:\n"
        "  penstock audit list --by emma.wilson\n"
        "  penstock audit list --action review. --from 2026-01-31T08:00:00Z\n"
        "  penstock audit list --target 4711 --limit 0 -o json");
    command->add_option("--by", flags->by, "what this user did");
    command->add_option("--action", flags->action,
                        "such as alert.acked; \"alert.\" stands for all of alerts");
    command->add_option("--target", flags->target, "what was done to it: an id or a name");
    command->add_option("--from", flags->from, "not before (RFC 3339)");
    command->add_option("--to", flags->to, "before (RFC 3339)");
    command->add_option("--limit", flags->limit, "at most so many; 0: all")->capture_default_str();
    flags->place.add_to(*command);
    command->callback([flags, &exit_code] {
        std::string next = "/api/v1/audit?limit=500";
        const std::pair<const char*, const std::string*> filters[] = {{"by", &flags->by},
                                                                      {"action", &flags->action},
                                                                      {"target", &flags->target},
                                                                      {"from", &flags->from},
                                                                      {"to", &flags->to}};
        for (const auto& [name, value] : filters)
            if (!value->empty()) next += fmt::format("&{}={}", name, http::percent_encode(*value));
        uint64_t listed = 0;
        while (!next.empty()) {
            const json::object page = flags->place.get(next);
            next = text_at(page, "next");
            for (const json::value& item : list_at(page, "items")) {
                print(flags->place.output.json() ? json::serialize(item) + "\n"
                                                 : entry_line(item.as_object()));
                if (++listed == flags->limit) next.clear();
                if (listed == flags->limit) break;
            }
        }
        exit_code = kOk;
    });
}

struct Verdict {
    uint64_t entries = 0, compared = 0;
    AuditHead head;
    std::string fault;
};

/// The hashes of the records that the log still has, against those that the trail kept.
void compare_with_log(const EventLog& log, const std::vector<std::pair<Seq, AuditHash>>& kept,
                      GuardedProgress& progress, Verdict& v) {
    if (kept.empty()) return;
    auto next = kept.begin();
    scan_in_slices(log, next->first, true, progress, [&](const RecordView& record, bool) {
        while (next != kept.end() && next->first < record.first_seq()) {
            v.fault = fmt::format("the log has no record at {}, of which the trail tells", next->first);
            return false;
        }
        if (next == kept.end() || !v.fault.empty()) return false;
        if (record.first_seq() != next->first) return true;
        const auto* c = record.header->kind == RecordKind::kControl && record.count() > 0
                            ? flatbuffers::GetRoot<fb::Control>(record.bytes(0).data())
                            : nullptr;
        if (!c || audit_hash(view_of(c->text())) != next->second)
            v.fault = fmt::format("the record at {} is not what the trail tells of it", next->first);
        ++v.compared;
        ++next;
        return v.fault.empty();
    });
}

Verdict verify(const LogPlace& place, const std::string& noted, GuardedProgress& progress) {
    Verdict v;
    const auto log = place.open();
    const StateStore store(
        {.path = place.folder() + "/state", .log_id = log->identity().log_id, .read_only = true});
    const Seq first_seq = log->bounds().first_seq;
    std::vector<std::pair<Seq, AuditHash>> kept;
    bool noted_seen = noted.empty();
    AuditHash chain{};
    store.scan_audit([&](const AuditEntry& e) {
        if (e.number != v.entries + 1)
            v.fault = fmt::format("entry {} is missing", v.entries + 1);
        else if (audit_chain(chain, e) != e.chain)
            v.fault = fmt::format("entry {} was changed, or one before it: its hash is not that of the chain",
                                  e.number);
        if (!v.fault.empty()) return false;
        v.entries = e.number;
        chain = e.chain;
        noted_seen |= hex_of(e.chain) == noted;
        if (e.seq >= first_seq) kept.emplace_back(e.seq, e.record);
        return true;
    });
    v.head = {v.entries, chain};
    if (!v.fault.empty()) return v;
    if (const auto head = store.audit_head(); head && (head->number != v.entries || head->chain != chain))
        v.fault = fmt::format("the trail ends at entry {}, but {} were written", v.entries, head->number);
    else if (!noted_seen)
        v.fault = "the chain never had the hash that was noted: it was written anew";
    else
        compare_with_log(*log, kept, progress, v);
    return v;
}

void add_verify(CLI::App& parent, int& exit_code) {
    struct Flags {
        LogPlace place;
        OutputFormat output;
        std::string noted;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = parent.add_subcommand("verify", "Check that nothing in the trail was changed");
    command->footer(
        "Each entry holds a hash (BLAKE2b-256) of the one before and of itself: a change, a gap or a missing "
        "end\n"
        "shows. Entries whose records the log still has are held against these. Who may write the whole "
        "state "
        "could\n"
        "make a new chain; so note the hash that this prints elsewhere now and then, and give it back with "
        "--noted.\n"
        "May run beside the appliance; reads what its last checkpoint holds."
        "\n\n"
        "Exit codes: 0 whole, 4 changed.");
    command->add_option("--noted", flags->noted, "a hash that the chain had once");
    flags->place.add_to(*command);
    flags->output.add_to(*command);
    command->callback([flags, &exit_code] {
        exit_code = run_guarded(
            [&](GuardedProgress& progress) -> int {
                Verdict v;
                try {
                    v = verify(flags->place, flags->noted, progress);
                } catch (const LogError& e) {
                    v.fault = e.what();
                }
                if (flags->output.json()) {
                    json::object out{{"whole", v.fault.empty()},
                                     {"entries", v.entries},
                                     {"compared", v.compared},
                                     {"chain", hex_of(v.head.chain)}};
                    if (!v.fault.empty()) out["fault"] = v.fault;
                    print(json::serialize(out) + "\n");
                } else if (v.fault.empty()) {
                    print(fmt::format("{} entries are whole, {} of them as the log has them\nchain {}\n",
                                      with_commas(v.entries), with_commas(v.compared), hex_of(v.head.chain)));
                }
                if (!v.fault.empty()) complain(v.fault);
                return v.fault.empty() ? kOk : kDamaged;
            },
            [](const GuardedProgress&) { complain("a page cannot be read"); });
    });
}

}  // namespace

void add_audit(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand("audit", "Who did what, when, from where and why");
    command->require_subcommand(1);
    add_list(*command, exit_code);
    add_verify(*command, exit_code);
}

}  // namespace penstock::cli
