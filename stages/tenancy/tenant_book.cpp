#include "stages/tenancy/tenant_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "schemas/event_fields.h"
#include "schemas/event_generated.h"

namespace penstock {
namespace {

namespace json = boost::json;

constexpr size_t kRefusedMax = 256;

std::string text_in(const json::object& o, std::string_view name) {
    const json::value* v = o.if_contains(name);
    return v && v->is_string() ? std::string(v->get_string()) : std::string();
}
std::optional<uint64_t> number_in(const json::object& o, std::string_view name) {
    const json::value* v = o.if_contains(name);
    json::error_code failed;
    if (!v || !v->is_number()) return std::nullopt;
    const uint64_t n = v->to_number<uint64_t>(failed);
    return failed ? std::nullopt : std::optional(n);
}

/// What is given, of those members that may change.
void take_settings(const json::object& o, Tenant& t) {
    if (const json::value* v = o.if_contains("enabled"); v && v->is_bool()) t.enabled = v->get_bool();
    if (o.contains("region")) t.region = text_in(o, "region");
    t.rate_limit = number_in(o, "rate_limit").value_or(t.rate_limit);
    t.burst = number_in(o, "burst").value_or(t.burst);
}

}  // namespace

void TenantBook::apply(const RecordView& record) {
    if (record.header->kind != RecordKind::kControl || record.count() == 0) return;
    const auto* c = flatbuffers::GetRoot<fb::Control>(record.bytes(0).data());
    if (static_cast<ControlKind>(c->kind()) != ControlKind::kTenantSet) return;
    const std::lock_guard lock(mutex_);
    std::string why =
        command(view_of(c->name()), view_of(c->text()), record.last_stamp(), record.first_seq());
    if (why.empty()) return;
    refused_.emplace_back(record.first_seq(), std::move(why));
    if (refused_.size() > kRefusedMax) refused_.pop_front();
}

std::string TenantBook::command(std::string_view name, std::string_view text, StampNs now_ns, Seq seq) {
    json::error_code failed;
    const json::value parsed = json::parse(text, failed);
    if (failed || !parsed.is_object()) return "the record is no JSON object";
    const json::object& o = parsed.get_object();
    const std::string action = text_in(o, "action"), by = text_in(o, "by"), key = text_in(o, "key");
    const Tenant* known = find(name);
    if (action == "add") {
        const auto id = number_in(o, "id");
        if (known || !id || tenants_.contains(*id)) return fmt::format("there is a tenant {} already", name);
        Tenant fresh;
        fresh.id = static_cast<uint16_t>(*id);
        fresh.name = name;
        take_settings(o, fresh);
        if (!key.empty()) fresh.keys.push_back({seq, key, now_ns, by});
        fresh.made_ns = fresh.changed_ns = now_ns;
        fresh.made_by = fresh.changed_by = by;
        fresh.version = seq;
        index_keys(tenants_.add(*id, std::move(fresh)));
        return {};
    }
    if (!known) return fmt::format("there is no tenant {}", name);
    const auto has_id = [id = number_in(o, "key_id")](const TenantKey& k) { return id && k.id == *id; };
    if (action == "key_add" && known->keys.size() >= kKeysMax)
        return fmt::format("tenant {} has {} keys already; revoke one first", name, kKeysMax);
    if (action == "key_revoke" && std::none_of(known->keys.begin(), known->keys.end(), has_id))
        return fmt::format("tenant {} has no such key", name);
    if (action != "change" && action != "key_add" && action != "key_revoke") return "the action is not known";

    Tenant& t = tenants_.change(known->id);
    if (action == "change") take_settings(o, t);
    if (action == "key_add") t.keys.push_back({seq, key, now_ns, by});
    if (action == "key_revoke")
        std::erase_if(t.keys, [&](const TenantKey& k) {
            if (has_id(k)) tenant_of_hash_.erase(k.hash);
            return has_id(k);
        });
    index_keys(t);
    t.changed_ns = now_ns;
    t.changed_by = by;
    t.version = seq;
    return {};
}

const Tenant* TenantBook::find(std::string_view name) const {
    for (const auto& [id, t] : tenants_.rows())
        if (t.name == name) return &t;
    return nullptr;
}

std::vector<Tenant> TenantBook::tenants() const {
    const std::lock_guard lock(mutex_);
    std::vector<Tenant> out;
    for (const auto& [id, t] : tenants_.rows()) out.push_back(t);
    return out;
}

std::optional<Tenant> TenantBook::tenant(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const Tenant* t = find(name);
    return t ? std::optional(*t) : std::nullopt;
}

void TenantBook::index_keys(const Tenant& tenant) {
    for (const TenantKey& key : tenant.keys) tenant_of_hash_[key.hash] = tenant.id;
}

std::string TenantBook::tenant_of_key(const std::string& hash) const {
    const std::lock_guard lock(mutex_);
    const auto at = tenant_of_hash_.find(hash);
    if (at == tenant_of_hash_.end()) return {};
    const Tenant& t = tenants_.at(at->second);
    return t.enabled ? t.name : std::string();
}

std::string TenantBook::refused(Seq seq) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [at, why] : refused_)
        if (at == seq) return why;
    return {};
}

// --- rows -------------------------------------------------------------------------------------------------

void TenantBook::begin_save(Checkpoint& out) {
    const std::lock_guard lock(mutex_);
    tenants_.begin_save(out);
}

bool TenantBook::save_some(size_t rows) {
    const std::lock_guard lock(mutex_);
    return tenants_.save_some(rows);
}

void TenantBook::put(RowWriter& out, const Tenant& t) {
    out.text(t.name).value(uint8_t{t.enabled}).text(t.region).value(t.rate_limit).value(t.burst);
    out.value(t.made_ns).text(t.made_by).value(t.changed_ns).text(t.changed_by).value(t.version);
    out.value(static_cast<uint32_t>(t.keys.size()));
    for (const TenantKey& k : t.keys) out.value(k.id).text(k.hash).value(k.made_ns).text(k.by);
}

void TenantBook::load_row(std::span<const uint8_t> key_bytes, std::span<const uint8_t> value_bytes) {
    RowReader key(key_bytes), row(value_bytes);
    key.key_u8();
    key.key_u8();
    const uint64_t id = key.key_u64();
    Tenant t;
    t.id = static_cast<uint16_t>(id);
    t.name = row.text();
    t.enabled = row.value<uint8_t>() != 0;
    t.region = row.text();
    t.rate_limit = row.value<uint64_t>();
    t.burst = row.value<uint64_t>();
    t.made_ns = row.value<StampNs>();
    t.made_by = row.text();
    t.changed_ns = row.value<StampNs>();
    t.changed_by = row.text();
    t.version = row.value<Seq>();
    for (auto n = row.value<uint32_t>(); n > 0 && row.ok(); --n) {
        TenantKey k;
        k.id = row.value<Seq>();
        k.hash = row.text();
        k.made_ns = row.value<StampNs>();
        k.by = row.text();
        t.keys.push_back(std::move(k));
    }
    const std::lock_guard lock(mutex_);  // readers are served before the recovery ends
    index_keys(tenants_.load(id, std::move(t)));
}

}  // namespace penstock
