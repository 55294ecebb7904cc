// Work on a buffer in parts that stay in the nearest cache between two passes over each.
#pragma once

#include <algorithm>
#include <cstddef>

namespace motet {

inline constexpr std::size_t near_bytes = 4096;

// Calls visit(offset, bytes) for each part: whole elements, which are no longer than near_bytes.
template <class Visit>
void for_near_parts(std::size_t bytes, std::size_t element_bytes, Visit visit) {
  const std::size_t most = near_bytes - near_bytes % element_bytes;
  for (std::size_t at = 0; at < bytes; at += most) visit(at, std::min(most, bytes - at));
}

}  // namespace motet
