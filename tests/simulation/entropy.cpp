#include "tests/simulation/entropy.h"

#include <cstring>
#include <random>

namespace penstock::simulation {

namespace {
std::mt19937_64 engine;
}

void seed_entropy(uint64_t seed) { engine.seed(seed); }
void fill_entropy(void* data, size_t size) {
    auto* to = static_cast<uint8_t*>(data);
    for (size_t done = 0; done < size;) {
        const uint64_t number = engine();
        const size_t part = size - done < sizeof number ? size - done : sizeof number;
        std::memcpy(to + done, &number, part);
        done += part;
    }
}

}  // namespace penstock::simulation
