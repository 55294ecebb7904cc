// Waking a sleeping engine, and the memory fences this takes.
//
// Who sleeps says so, fences and looks again; who sends stores its line and then loads the
// sleeper's flag. Each must see the other's store, which on its own takes a full fence on both
// sides. With membarrier the sleeper's one fence counts for all threads of all registered
// processes, so the sender's is only the compiler's.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "net/descriptor.hpp"

namespace motet::shm {

// Registers this process for membarrier; false where the system has none.
bool register_membarrier() noexcept;

// The fence of the rare side: sleeping, withdrawing memory.
void heavy_fence() noexcept;

// The fence of the frequent side.
enum class Fence : std::uint8_t {
  full,      // a peer has no membarrier
  compiler,  // both have
};
inline void light_fence(Fence fence) noexcept {
  if (fence == Fence::compiler) [[likely]] {
    std::atomic_signal_fence(std::memory_order_seq_cst);
  } else {
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
}

// An eventfd.
class Bell {
 public:
  Bell();  // throws Error{system}
  explicit Bell(Descriptor event) : event_(std::move(event)) {}

  void ring() noexcept;
  void silence() noexcept;
  int descriptor() const { return event_.get(); }

 private:
  Descriptor event_;
};

// What one needs to wake a peer.
class Sleeper {
 public:
  Sleeper() = default;
  Sleeper(std::atomic<std::uint32_t>& sleeping, Bell& bell, Fence fence)
      : sleeping_(&sleeping), bell_(&bell), fence_(fence) {}

  // After something the peer may be waiting for. `why`: bits of which one must be set.
  void wake_if(std::uint32_t why) noexcept {
    light_fence(fence_);
    if ((sleeping_->load(std::memory_order_relaxed) & why) != 0) [[unlikely]]
      wake();
  }

 private:
  void wake() noexcept;

  std::atomic<std::uint32_t>* sleeping_ = nullptr;
  Bell* bell_ = nullptr;
  Fence fence_ = Fence::full;
};

}  // namespace motet::shm
