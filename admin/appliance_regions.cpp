#include "admin/appliance_regions.h"

#include <sodium.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace penstock {
namespace {

constexpr std::string_view kDsnPurpose = "region dsn";

std::span<const uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

FlushOptions flush_options(const Config& config) {
    return {.linger_ns = static_cast<int64_t>(config.flush.linger_ms) * 1'000'000,
            .rows_max = config.flush.rows_max,
            .bytes_max = config.flush.bytes_max,
            .retention_days = static_cast<uint32_t>(config.flush.retention_days)};
}

bool same_place(const Region& a, const Region& b) {
    return a.dsn == b.dsn && a.read_dsn == b.read_dsn && a.payload_stays == b.payload_stays;
}

}  // namespace

LiveRegions::LiveRegions(const Parts& parts) : p_(parts) {
    std::vector<std::string> names;
    for (const auto& r : p_.config.regions) names.push_back(r.name);
    p_.log.register_names(names, {});
    keys_ = region_keys(p_.config, p_.log.names());
    p_.log.use_keys(keys_);
}

std::vector<Region> LiveRegions::of_configuration() const {
    std::vector<Region> out;
    for (const auto& c : p_.config.regions) {
        Region r;
        r.id = *p_.log.names().region(c.name);
        r.name = c.name;
        r.of_configuration = true;
        r.aliases = c.aliases;
        r.dsn = c.dsn;
        r.read_dsn = c.read_dsn;
        r.key_file = c.key_file;
        r.payload_stays = c.payload == "stays";
        out.push_back(std::move(r));
    }
    return out;
}

/// The configuration's facts are those that hold; of its regions the book knows the state.
std::vector<Region> LiveRegions::wanted() const {
    std::vector<Region> out = of_configuration();
    for (Region& known : p_.book.regions()) {
        const auto configured =
            std::find_if(out.begin(), out.end(), [&](const Region& r) { return r.name == known.name; });
        if (configured != out.end()) {
            if (known.state == RegionState::kDraining) configured->state = known.state;
            configured->version = known.version;
            continue;
        }
        if (known.of_configuration) known.state = RegionState::kRemoved;  // its section has gone
        known.dsn = opened(known, known.dsn);
        known.read_dsn = opened(known, known.read_dsn);
        out.push_back(std::move(known));
    }
    return out;
}

std::string LiveRegions::sealed(const std::string& dsn) const {
    if (dsn.empty()) return {};
    const std::vector<uint8_t> whole = seal_whole(p_.host_key, bytes_of(dsn), bytes_of(kDsnPurpose));
    std::string text(sodium_base64_ENCODED_LEN(whole.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(text.data(), text.size(), whole.data(), whole.size(), sodium_base64_VARIANT_ORIGINAL);
    text.pop_back();  // its terminator
    return text;
}

std::string LiveRegions::opened(const Region& region, const std::string& sealed) const {
    if (sealed.empty()) return {};
    std::vector<uint8_t> whole(sealed.size());
    size_t length = 0;
    if (sodium_base642bin(whole.data(), whole.size(), sealed.data(), sealed.size(), nullptr, &length, nullptr,
                          sodium_base64_VARIANT_ORIGINAL) == 0) {
        whole.resize(length);
        if (const auto text = open_whole(p_.host_key, whole, bytes_of(kDsnPurpose)))
            return {text->begin(), text->end()};
    }
    spdlog::error(
        "region {}: its connection string was sealed on another host; its events wait in the log until "
        "`penstock regions change {} --dsn-file FILE` gives it again",
        region.name, region.name);
    return {};
}

void LiveRegions::learn_key(const Region& region) {
    if (!region.key_file.empty()) keys_->add_region(region.id, region.key_file);
}

RegionTelemetry& LiveRegions::telemetry_of(const std::string& name) {
    for (const auto& t : p_.telemetry.regions)
        if (t->name == name) return *t;
    auto fresh = std::make_unique<RegionTelemetry>();
    fresh->name = name;
    p_.telemetry.regions.push_back(std::move(fresh));
    return *p_.telemetry.regions.back();
}

void LiveRegions::begin() {
    seen_version_ = p_.book.version();
    for (const Region& r : wanted()) {
        if (r.state == RegionState::kDraining) mark_drained(r.name, p_.log.bounds().next_seq);
        take(r);
    }
}

void LiveRegions::start() {
    started_ = true;
    for (auto& [name, live] : live_)
        if (live.flusher) live.flusher->start();
}

void LiveRegions::take(const Region& region) {
    RegionTelemetry& t = telemetry_of(region.name);
    const bool gone = region.state == RegionState::kRemoved;
    Live* live = nullptr;
    std::unique_ptr<RegionFlusher> ended;
    {
        const std::lock_guard lock(mutex_);
        live = &live_[region.name];
        if (live->flusher && (gone || !same_place(live->facts, region))) ended = std::move(live->flusher);
    }
    ended.reset();  // waits for its thread
    std::unique_ptr<RegionFlusher> fresh;
    if (!gone && !region.dsn.empty() && !live->flusher) {
        auto store = std::make_unique<PostgresRegionalStore>(PostgresRegionalStore::Options{
            region.name, region.dsn, static_cast<int64_t>(p_.config.flush.timeout_s) * 1'000'000'000});
        fresh = std::make_unique<RegionFlusher>(region.id, flush_options(p_.config), std::move(store), p_.log,
                                                p_.telemetry, t, p_.dead_letters, p_.clock, p_.acts);
        if (started_) fresh->start();
    }
    const std::lock_guard lock(mutex_);
    live->facts = region;
    live->telemetry = &t;
    if (fresh) live->flusher = std::move(fresh);
    t.configured = live->flusher != nullptr;
    if (gone) t.set_error("");
    const auto mark = drained_from_.find(region.name);
    t.drained_from.store(mark == drained_from_.end() ? 0 : mark->second, std::memory_order_release);
    t.state.store(region.state, std::memory_order_release);
}

void LiveRegions::follow() {
    const uint64_t version = p_.book.version();
    if (version == seen_version_) return;
    seen_version_ = version;
    for (const Region& r : wanted()) {
        const auto known = live_.find(r.name);  // changed by this thread alone
        if (known != live_.end() && known->second.facts.version == r.version) continue;
        take(r);
        spdlog::info("region {} is {}{}", r.name, kRegionStateNames[static_cast<size_t>(r.state)],
                     r.state != RegionState::kRemoved && r.dsn.empty() ? ", and has no database" : "");
    }
    search_anew();
}

void LiveRegions::notify() {
    const std::lock_guard lock(mutex_);
    for (auto& [name, live] : live_)
        if (live.flusher) live.flusher->notify();
}

void LiveRegions::stop(int64_t drain_ns) {
    for (auto& [name, live] : live_)
        if (live.flusher) live.flusher->request_stop(drain_ns);
    for (auto& [name, live] : live_)
        if (live.flusher) live.flusher->join();
}

void LiveRegions::teach(Vocabulary& vocabulary) const {
    vocabulary.regions.clear();
    vocabulary.draining = 0;
    for (const Region& r : wanted()) {
        if (r.state == RegionState::kRemoved) continue;
        vocabulary.regions[r.name] = r.id;
        for (const std::string& alias : r.aliases) vocabulary.regions[alias] = r.id;
        if (r.state == RegionState::kDraining) vocabulary.draining |= uint64_t{1} << r.id;
    }
}

void LiveRegions::mark_drained(const std::string& name, Seq next_seq) {
    const std::lock_guard lock(mutex_);
    drained_from_[name] = next_seq;
    // Where there is none yet, take() finds it.
    for (const auto& t : p_.telemetry.regions)
        if (t->name == name) t->drained_from.store(next_seq, std::memory_order_release);
}

std::map<std::string, std::string> LiveRegions::dsns() const {
    std::map<std::string, std::string> out;
    const std::lock_guard lock(mutex_);
    for (const auto& [name, live] : live_)
        if (live.facts.state != RegionState::kRemoved && !live.facts.dsn.empty())
            out.emplace(name, live.facts.dsn);
    return out;
}

void LiveRegions::search_with(EventSearch& search) {
    search_ = &search;
    search_anew();
}

void LiveRegions::search_anew() {
    if (!search_) return;
    std::vector<EventSearch::Region> all;
    for (const Region& r : wanted())
        if (r.state != RegionState::kRemoved)
            all.push_back({r.name, r.read_dsn.empty() ? r.dsn : r.read_dsn, r.payload_stays});
    search_->use(std::move(all));
}

}  // namespace penstock
