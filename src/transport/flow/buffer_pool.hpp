// Memory for arriving blocks, reused so that a steady exchange allocates nothing.
#pragma once

#include <array>
#include <cstddef>
#include <memory>

namespace motet::flow {

// One owner thread. Sizes are rounded up to powers of two; what is given back is kept, up to a
// limit for all sizes together.
class BufferPool {
 public:
  ~BufferPool();
  BufferPool() = default;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  struct Return {
    BufferPool* pool = nullptr;
    std::size_t size_class = 0;
    void operator()(std::byte* memory) const noexcept { pool->give_back(memory, size_class); }
  };
  using Buffer = std::unique_ptr<std::byte, Return>;

  // Null for zero bytes. Aligned to a cache line. Must die before the pool.
  Buffer take(std::size_t bytes);

 private:
  static constexpr std::size_t size_classes = 26;  // 256 bytes to 8 GiB
  struct Kept {
    Kept* next = nullptr;  // lies in the memory itself
  };
  void give_back(std::byte* memory, std::size_t size_class) noexcept;

  std::array<Kept*, size_classes> kept_{};
  std::size_t kept_bytes_ = 0;
};

}  // namespace motet::flow
