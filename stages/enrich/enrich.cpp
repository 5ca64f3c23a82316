#include "stages/enrich/enrich.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace penstock {

namespace {
std::string_view text_at(const EventFields& f, FieldPath::Root root) {
    switch (root) {
        case FieldPath::Root::kSubject:
            return f.subject;
        case FieldPath::Root::kSource:
            return f.source;
        case FieldPath::Root::kType:
            return f.type;
        case FieldPath::Root::kData:
            break;
    }
    return {};
}
DataEditor& editor() {
    static thread_local DataEditor one;
    return one;
}
}  // namespace

EnrichStage::EnrichStage(Options options) : options_(std::move(options)), fresh_(options_.lookups.size()) {
    for (const Lookup& lookup : options_.lookups) {
        seen_.push_back(LookupTable::version_of(lookup.file));
        tables_.push_back(LookupTable::load(lookup.file));
    }
}

size_t EnrichStage::growth_bytes_max(const Options& options) {
    if (options.lookups.empty() && options.masks.empty()) return 0;
    constexpr size_t kPadding = 64;  // the groups' vector, and strings and the whole rounded up
    return options.lookups.size() * LookupTable::kRowBytesMax +
           options.masks.size() * DataEditor::kMasked.size() + kPadding;
}

void EnrichStage::reload_changed_files() {
    for (size_t i = 0; i < options_.lookups.size(); ++i) {
        const std::string& file = options_.lookups[i].file;
        const auto version = LookupTable::version_of(file);
        if (version == seen_[i]) continue;
        seen_[i] = version;
        try {
            auto table = LookupTable::load(file);
            std::lock_guard lock(mutex_);
            fresh_[i] = std::move(table);
            has_fresh_.store(true, std::memory_order_release);
            spdlog::info("enrich: {} was loaded again", file);
        } catch (const LookupError& e) {
            spdlog::error("enrich: {}; the table that was loaded before stays in use", e.what());
        }
    }
}

size_t EnrichStage::do_work(WorkBatch& work) {
    EventBatch& batch = *work.batch;
    const size_t items = batch.count() - work.begin;
    if (options_.lookups.empty() && options_.masks.empty()) return items;
    if (has_fresh_.exchange(false, std::memory_order_acquire)) {
        std::lock_guard lock(mutex_);
        for (size_t i = 0; i < fresh_.size(); ++i)
            if (fresh_[i]) tables_[i] = std::exchange(fresh_[i], nullptr);
    }
    if (items == 0) return 0;
    const uint32_t base = batch.heads[work.begin].offset;
    rebuilt_.clear();
    std::string data;
    for (size_t i = work.begin; i < batch.count(); ++i) {
        EventHead& head = batch.heads[i];
        std::span<const uint8_t> bytes{batch.heap + head.offset, head.length};
        read_event(*event_of(bytes), fields_);
        if (enrich(fields_, data)) bytes = builder_.build(fields_);
        head.offset = base + static_cast<uint32_t>(rebuilt_.size());
        head.length = static_cast<uint32_t>(bytes.size());
        rebuilt_.insert(rebuilt_.end(), bytes.begin(), bytes.end());
        rebuilt_.resize((rebuilt_.size() + 7) & ~size_t{7});
    }
    std::memcpy(batch.heap + base, rebuilt_.data(), rebuilt_.size());
    batch.header.heap_bytes = base + static_cast<uint32_t>(rebuilt_.size());
    return items;
}

bool EnrichStage::enrich(EventFields& f, std::string& data) {
    bool changed = false;
    for (size_t i = 0; i < tables_.size(); ++i) {
        const FieldPath& match = options_.lookups[i].match;
        std::optional<std::string> inner;
        if (match.root == FieldPath::Root::kData) inner = editor().text_of(f.data, match.members);
        const std::string_view key = inner ? std::string_view(*inner) : text_at(f, match.root);
        const std::vector<std::string>* row = key.empty() ? nullptr : tables_[i]->find(key);
        if (!row) continue;
        for (size_t column = 0; column < row->size(); ++column) {
            const std::string_view name = tables_[i]->columns()[column];
            const bool has =
                std::any_of(f.groups.begin(), f.groups.end(), [&](const auto& g) { return g.first == name; });
            if (has || (*row)[column].empty()) continue;  // what the producer says goes first
            f.groups.emplace_back(name, (*row)[column]);
            changed = true;
        }
    }
    if (!options_.masks.empty() && !f.data.empty()) {
        data.assign(f.data);
        bool masked = false;
        for (const FieldPath& mask : options_.masks) masked |= editor().mask(data, mask.members);
        if (masked) f.data = data;
        changed |= masked;
    }
    return changed;
}

}  // namespace penstock
