// The ring between intake and its two readers.
#pragma once

#include <memory>

#include "pipeline/broadcast_ring.h"
#include "pipeline/event_batch.h"

namespace penstock {

/// Producer: the intake thread, which swaps a filled slab for the slot's. Consumers: the log thread, which
/// makes records durable, and the state thread, which applies them meanwhile.
using BatchRing = BroadcastRing<std::unique_ptr<EventBatch>, 2>;
inline constexpr size_t kLogConsumer = 0, kStateConsumer = 1;

}  // namespace penstock
