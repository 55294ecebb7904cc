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

// Both forms, although no test asks for the second: what it gives comes back to the same delete.
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return bytes > longest.load(std::memory_order_relaxed) ? nullptr : std::malloc(bytes);
}
void* operator new(std::size_t bytes) {
  if (void* const memory = operator new(bytes, std::nothrow)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
