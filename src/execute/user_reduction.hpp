// A reduction that the library's user has written, for elements of a size of his own.
#pragma once

#include <cstddef>

#include "base/types.hpp"

namespace motet {

// Longer ones might not fit into the shortest block.
inline constexpr std::size_t max_user_element_bytes = 1024;

struct UserReduction {
  // Makes the call of `function`, whose type it knows: out[i] = a[i] op b[i], like ReduceKernel.
  void (*call)(const UserReduction& reduction, void* out, const void* a, const void* b,
               std::size_t count) = nullptr;
  void (*function)() = nullptr;
  void* user = nullptr;
  DataType type{};
  std::size_t element_bytes = 1;  // at most max_user_element_bytes

  // With the alignment that an element of this size can need, at most 16 bytes: what lies otherwise
  // in a transport's memory goes through a copy.
  void combine(void* out, const void* a, const void* b, std::size_t count) const;
};

}  // namespace motet
