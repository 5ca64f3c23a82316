#include "stages/route/route.h"

#include <fmt/format.h>

#include "schemas/event_fields.h"

namespace penstock {

size_t RouteStage::do_work(WorkBatch& work) {
    EventBatch& batch = *work.batch;
    const size_t items = batch.count() - work.begin;
    bool refused = false;
    for (size_t i = work.begin; i < batch.count(); ++i) {
        EventHead& head = batch.heads[i];
        if (head.region == kRegionNone) {
            head.region = region_for(head.tenant);
        } else if (head.region == kRegionUnknown) {
            if (!options_.refuse_unknown) {
                head.region = region_for(head.tenant);
                continue;
            }
            const std::string_view name =
                view_of(event_of({batch.heap + head.offset, head.length})->region());
            work.refuse(
                work.raw_of[i], Refusal::kUnknownRegion,
                fmt::format(
                    "region '{}' is not configured; use a configured name or alias, or leave region out",
                    name.substr(0, limits::kNameBytesMax)));
            refused = true;
        }
    }
    if (refused) work.compact([&](size_t i) { return work.verdicts[work.raw_of[i]] == Verdict::kAccepted; });
    return items;
}

}  // namespace penstock
