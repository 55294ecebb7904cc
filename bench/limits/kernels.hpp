// The loops that move and add, in the widest vectors of the machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace motet_limits {

// Where stores go. The first destination is the caller's output; the second is what the peer reads.
enum class Stores : std::uint8_t {
  cached,
  streamed_first,  // the first past the caches, the second into them
  streamed         // all past the caches
};

std::string_view name(Stores stores);

// Counts are of floats. Destinations do not overlap sources, unless they are the same. All stores
// are done when a kernel returns, streamed ones as well.
struct Kernels {
  void (*copy)(float* to, const float* from, std::size_t count);
  void (*copy_twice)(float* first, float* second, const float* from, std::size_t count);
  void (*add)(float* to, const float* a, const float* b, std::size_t count);
  void (*add_twice)(float* first, float* second, const float* a, const float* b, std::size_t count);
};

const Kernels& kernels(Stores stores);

}  // namespace motet_limits
