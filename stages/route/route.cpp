#include "stages/route/route.h"

namespace penstock {

size_t RouteStage::do_work(WorkBatch& work) {
    EventBatch& batch = *work.batch;
    for (size_t i = work.begin; i < batch.count(); ++i) {
        EventHead& head = batch.heads[i];
        if (head.region == kRegionNone || head.region == kRegionUnknown)
            head.region = region_for(head.tenant);
    }
    return batch.count() - work.begin;
}

}  // namespace penstock
