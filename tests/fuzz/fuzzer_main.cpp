// libFuzzer's entry for the target PENSTOCK_FUZZ_TARGET.
#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    return penstock::fuzz::PENSTOCK_FUZZ_TARGET(data, size);
}
