#include "stages/review/policy.h"

#include <algorithm>

#include "pipeline/expression/event_variables.h"
#include "pipeline/record_text.h"
#include "schemas/identity.h"

namespace penstock {
namespace {

std::optional<ReviewQueue> queue_of(const RecordText& text) {
    ReviewQueue q;
    q.name = text.text("name");
    for (const std::string& type : text.texts("types")) q.types.push_back(type_hash(type));
    std::sort(q.types.begin(), q.types.end());
    try {
        if (const auto condition = text.text_if("condition"); condition && !condition->empty())
            q.condition = Expression::compile(*condition, event_schema());
    } catch (const ExpressionError&) {
        return std::nullopt;
    }
    q.of_alerts = text.flag("alerts");
    q.workflow = text.text("workflow");
    q.rule = text.text("rule");
    q.severity_at_least = static_cast<uint8_t>(text.number("severity_at_least"));
    q.priority = static_cast<uint8_t>(text.number("priority"));
    q.skills = text.texts("skills");
    std::sort(q.skills.begin(), q.skills.end());
    q.due_ns = text.number("due_ns");
    q.expires_ns = text.number("expires_ns");
    return q;
}

}  // namespace

bool ReviewQueue::takes_type(uint64_t hash) const {
    return types.empty() || std::binary_search(types.begin(), types.end(), hash);
}

uint64_t ReviewPolicy::mask_of(const std::vector<std::string>& names) const {
    if (names.empty()) return ~uint64_t{0};
    uint64_t mask = 0;
    for (size_t r = 0; r < regions.size() && r < 64; ++r)
        if (std::find(names.begin(), names.end(), regions[r]) != names.end()) mask |= uint64_t{1} << r;
    return mask;
}

ReviewPolicy read_review_policy(std::string_view facts) {
    const RecordText boot(facts);
    const RecordText review = boot.part("review");
    ReviewPolicy p;
    p.regions = boot.texts("regions");
    p.tenants = boot.texts("tenants");
    p.held_max = static_cast<size_t>(std::max<int64_t>(review.number("held_max", 50), 1));
    p.lease_ns = std::max<int64_t>(review.number("lease_ns", p.lease_ns), 1'000'000'000);
    p.undo_ns = std::max<int64_t>(review.number("undo_ns", p.undo_ns), 0);
    p.retention_ns = std::max<int64_t>(review.number("retention_ns", p.retention_ns), 0);
    p.open_max = static_cast<size_t>(std::max<int64_t>(review.number("open_max", 200'000), 1));
    p.default_region = static_cast<uint16_t>(review.number("default_region"));
    for (const RecordText& text : review.parts("queues"))
        if (auto queue = queue_of(text)) p.queues.push_back(std::move(*queue));
    return p;
}

}  // namespace penstock
