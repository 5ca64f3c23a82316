// One event: what is accepted is stored in a form that verifies, reads back the same, and keeps its identity.
#include <gtest/gtest.h>

#include "tests/fuzz/targets.h"
#include "tests/support/parse_rig.h"

namespace penstock::fuzz {
namespace {

test::ParseRig& rig() {
    static test::ParseRig r;
    return r;
}

void check_event(std::string_view bytes, RawEvent::Format format) {
    test::ParseRig& r = rig();
    r.begin();
    r.add(bytes, format);
    require(r.run() == 1, "the event was not taken");
    const Verdict verdict = r.work->verdicts[0];
    if (verdict == Verdict::kRefused) {
        require(r.batch->count() == 0 && r.work->refused.size() == 1, "refused, and something is left");
        require(!r.detail().empty(), "refused without a reason");
        return;
    }
    require(verdict == Verdict::kAccepted && r.batch->count() == 1, "neither refused nor accepted");
    const EventHead head = r.head();
    const EventIdentity identity = r.identity();
    const std::string stored(reinterpret_cast<const char*>(r.batch->heap + head.offset), head.length);
    flatbuffers::Verifier verifier(r.batch->heap + head.offset, head.length);
    require(verifier.VerifyBuffer<fb::Event>(nullptr), "what is stored does not verify");
    require(stored.size() <= 2 * limits::kEventBytesMax + 4096, "stored is larger than a slab has room for");

    r.begin();
    r.add(stored, RawEvent::Format::kFlatBuffer);
    r.run();
    require(r.work->verdicts[0] == Verdict::kAccepted,
            "what was stored is refused: " + (r.work->refused.empty() ? std::string() : r.detail()));
    require(r.identity().id == identity.id && r.identity().content == identity.content,
            "what was stored has another identity");
    require(r.head().key == head.key && r.head().time_ns == head.time_ns &&
                r.head().type_hash == head.type_hash && r.head().region == head.region,
            "what was stored has another head");
}

}  // namespace

int json_event(const uint8_t* data, size_t size) {
    if (size > limits::kEventBytesMax) return 0;  // ingest refuses it unread
    if (size == 0) return 0;
    check_event(text_of(data, size), RawEvent::Format::kJson);
    return 0;
}

int flatbuffer_event(const uint8_t* data, size_t size) {
    if (size == 0 || size > limits::kEventBytesMax) return 0;
    check_event(text_of(data, size), RawEvent::Format::kFlatBuffer);
    return 0;
}

}  // namespace penstock::fuzz
