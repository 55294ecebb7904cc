// Running out of memory, as far as tests can have it.
#pragma once

#include <cstddef>

namespace motet::testing {

// While one lives, no `new` of more than `most` bytes succeeds in this process, on any thread.
class ScarceMemory {
 public:
  explicit ScarceMemory(std::size_t most);
  ~ScarceMemory();
  ScarceMemory(const ScarceMemory&) = delete;
  ScarceMemory& operator=(const ScarceMemory&) = delete;
};

}  // namespace motet::testing
