#include "stages/regions/region_book.h"

#include <fmt/format.h>

#include "pipeline/record_text.h"
#include "pipeline/row_parts.h"
#include "schemas/event_fields.h"
#include "schemas/event_generated.h"
#include "schemas/limits.h"

namespace penstock {
namespace {

constexpr size_t kRefusedMax = 256;

void take_facts(const RecordText& m, Region& r) {
    if (m.find("aliases")) r.aliases = m.texts("aliases");
    r.dsn = m.text_if("dsn").value_or(r.dsn);
    r.read_dsn = m.text_if("read_dsn").value_or(r.read_dsn);
    r.key_file = m.text_if("key_file").value_or(r.key_file);
    if (m.find("payload_stays")) r.payload_stays = m.flag("payload_stays");
}

}  // namespace

void RegionBook::apply(const RecordView& record) {
    if (record.header->kind != RecordKind::kControl || record.count() == 0) return;
    const auto* c = flatbuffers::GetRoot<fb::Control>(record.bytes(0).data());
    if (static_cast<ControlKind>(c->kind()) != ControlKind::kRegionSet) return;
    const std::string name(view_of(c->name()));
    std::optional<Region> changed;
    {
        const std::lock_guard lock(mutex_);
        std::string why = command(name, view_of(c->text()), record.last_stamp(), record.first_seq());
        if (why.empty()) {
            changed = *find(name);
            ++version_;
        } else {
            refused_.emplace_back(record.first_seq(), std::move(why));
            if (refused_.size() > kRefusedMax) refused_.pop_front();
        }
    }
    if (changed && on_changed) on_changed(*changed, record.last_stamp(), record.first_seq());
}

std::string RegionBook::command(std::string_view name, std::string_view text, StampNs now_ns, Seq seq) {
    const RecordText m(text);
    const std::string action = m.text("action");
    const Region* known = find(name);
    const bool there = known && known->state != RegionState::kRemoved;
    const auto id = static_cast<uint64_t>(m.number("id", -1));
    const auto change = [&](uint64_t of) -> Region& {
        Region& r = regions_.make(of);
        r.id = static_cast<uint16_t>(of);
        r.name = name;
        r.changed_ns = now_ns;
        r.changed_by = m.text("by");
        r.version = seq;
        return r;
    };
    if (action == "add") {
        if (there) return fmt::format("there is a region {} already", name);
        if (id >= limits::kRegionsMax || (known && known->id != id) || (!known && regions_.contains(id)))
            return fmt::format("{} is no number for the region {}", id, name);
        if (known) regions_.change(id) = Region{};
        take_facts(m, change(id));
        return {};
    }
    if (action == "drain" || action == "resume") {
        // One of the configuration is known here from its first drain on.
        if (!there && !m.flag("configured")) return fmt::format("there is no region {}", name);
        if (!there && id >= limits::kRegionsMax) return fmt::format("{} is no number of a region", id);
        Region& r = change(there ? known->id : id);
        r.of_configuration = m.flag("configured");
        r.state = action == "drain" ? RegionState::kDraining : RegionState::kActive;
        return {};
    }
    if (!there) return fmt::format("there is no region {}", name);
    if (action == "change") {
        take_facts(m, change(known->id));
        return {};
    }
    if (action != "remove") return "the action is not known";
    if (known->state != RegionState::kDraining && !m.flag("configured"))
        return fmt::format("region {} is not drained", name);
    Region& r = change(known->id);
    r.state = RegionState::kRemoved;
    r.dsn.clear();
    r.read_dsn.clear();
    r.aliases.clear();
    return {};
}

const Region* RegionBook::find(std::string_view name) const {
    for (const auto& [id, r] : regions_.rows())
        if (r.name == name) return &r;
    return nullptr;
}

std::vector<Region> RegionBook::regions() const {
    const std::lock_guard lock(mutex_);
    std::vector<Region> out;
    for (const auto& [id, r] : regions_.rows()) out.push_back(r);
    return out;
}

std::optional<Region> RegionBook::region(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const Region* r = find(name);
    return r ? std::optional<Region>(*r) : std::nullopt;
}

std::string RegionBook::refused(Seq seq) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [at, why] : refused_)
        if (at == seq) return why;
    return {};
}

uint64_t RegionBook::version() const {
    const std::lock_guard lock(mutex_);
    return version_;
}

// --- rows -------------------------------------------------------------------------------------------------

void RegionBook::begin_save(Checkpoint& out) {
    const std::lock_guard lock(mutex_);
    regions_.begin_save(out);
}

bool RegionBook::save_some(size_t rows) {
    const std::lock_guard lock(mutex_);
    return regions_.save_some(rows);
}

void RegionBook::put(RowWriter& out, const Region& r) {
    out.text(r.name).value(uint8_t{r.of_configuration}).value(static_cast<uint8_t>(r.state));
    put_list(out, r.aliases, [&](const std::string& alias) { out.text(alias); });
    out.text(r.dsn).text(r.read_dsn).text(r.key_file).value(uint8_t{r.payload_stays});
    out.value(r.changed_ns).text(r.changed_by).value(r.version);
}

void RegionBook::load_row(std::span<const uint8_t> key_bytes, std::span<const uint8_t> value_bytes) {
    RowReader key(key_bytes), row(value_bytes);
    key.key_u8();
    key.key_u8();
    const uint64_t id = key.key_u64();
    Region r;
    r.id = static_cast<uint16_t>(id);
    r.name = row.text();
    r.of_configuration = row.value<uint8_t>() != 0;
    r.state = static_cast<RegionState>(row.value<uint8_t>());
    get_list(row, r.aliases, [&] { return text_of(row); });
    r.dsn = row.text();
    r.read_dsn = row.text();
    r.key_file = row.text();
    r.payload_stays = row.value<uint8_t>() != 0;
    r.changed_ns = row.value<StampNs>();
    r.changed_by = row.text();
    r.version = row.value<Seq>();
    const std::lock_guard lock(mutex_);  // readers are served before the recovery ends
    regions_.load(id, std::move(r));
    ++version_;
}

void RegionBook::loaded(StampNs) {
    for (const Region& r : regions())
        if (on_changed) on_changed(r, 0, 0);
}

}  // namespace penstock
