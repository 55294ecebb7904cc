#include "transport/flow/buffer_pool.hpp"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "base/assert.hpp"

namespace motet::flow {
namespace {

constexpr std::size_t smallest_bits = 8;  // most small messages fit 256 bytes
constexpr std::align_val_t alignment{64};
constexpr std::size_t kept_bytes_limit = 8 << 20;

constexpr std::size_t bytes_of(std::size_t size_class) {
  return std::size_t{1} << (size_class + smallest_bits);
}

}  // namespace

BufferPool::~BufferPool() {
  for (Kept* memory : kept_) {
    while (memory != nullptr) ::operator delete(std::exchange(memory, memory->next), alignment);
  }
}

BufferPool::Buffer BufferPool::take(std::size_t bytes) {
  if (bytes == 0) return Buffer(nullptr, Return{this, 0});
  const std::size_t size_class = std::max(std::bit_width(bytes - 1), smallest_bits) - smallest_bits;
  MOTET_ASSERT(size_class < size_classes, "no block is that long");
  Kept*& first = kept_[size_class];
  if (first == nullptr) {
    void* fresh = ::operator new(bytes_of(size_class), alignment);
    return Buffer(static_cast<std::byte*>(fresh), Return{this, size_class});
  }
  kept_bytes_ -= bytes_of(size_class);
  void* memory = std::exchange(first, first->next);
  return Buffer(static_cast<std::byte*>(memory), Return{this, size_class});
}

void BufferPool::give_back(std::byte* memory, std::size_t size_class) noexcept {
  const std::size_t bytes = bytes_of(size_class);
  if (kept_bytes_ + bytes > kept_bytes_limit) {
    ::operator delete(memory, alignment);
    return;
  }
  kept_bytes_ += bytes;
  kept_[size_class] = new (memory) Kept{kept_[size_class]};
}

}  // namespace motet::flow
