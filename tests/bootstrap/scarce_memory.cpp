#include "scarce_memory.hpp"

#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>

namespace {

constexpr std::size_t plenty = std::numeric_limits<std::size_t>::max();
std::atomic<std::size_t> longest{plenty};  // relaxed: tests order it by what they send

}  // namespace

namespace motet::testing {

ScarceMemory::ScarceMemory(std::size_t most) {
  longest.store(most, std::memory_order_relaxed);
}
ScarceMemory::~ScarceMemory() {
  longest.store(plenty, std::memory_order_relaxed);
}

}  // namespace motet::testing

void* operator new(std::size_t bytes) {
  void* const memory =
      bytes > longest.load(std::memory_order_relaxed) ? nullptr : std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
