// What this process has mapped where, as the system tells it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace motet::shm {

// Whether [address, address + bytes) is a shared mapping of `descriptor` from `offset` on. Reads
// /proc/self/maps; where that cannot be read, the answer is no.
bool maps(const void* address, std::size_t bytes, int descriptor, std::uint64_t offset);

}  // namespace motet::shm
