// What the program takes for randomness of the system: it follows from the seed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock::simulation {

void seed_entropy(uint64_t seed);
void fill_entropy(void* data, size_t size);

}  // namespace penstock::simulation
