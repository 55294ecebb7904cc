#include "transport/shm/bell.hpp"

#include <linux/membarrier.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"
#include "net/own.hpp"

namespace motet::shm {
namespace {

bool membarrier(int command) noexcept {
  return syscall(SYS_membarrier, command, 0, 0) == 0;
}

}  // namespace

bool register_membarrier() noexcept {
  return membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
}

void heavy_fence() noexcept {
  std::atomic_thread_fence(std::memory_order_seq_cst);  // for peers without membarrier
  membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
}

Bell::Bell() : event_(own(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))) {
  if (!event_) throw system_error("shm: eventfd", errno);
}

void Bell::ring() noexcept {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the bell has been ringing all along.
  [[maybe_unused]] const auto written = write(event_.get(), &one, sizeof one);
}

void Bell::silence() noexcept {
  std::uint64_t rings = 0;
  [[maybe_unused]] const auto got = read(event_.get(), &rings, sizeof rings);
}

void Sleeper::wake() noexcept {
  // Only one of those who find it asleep rings.
  if (sleeping_->exchange(0, std::memory_order_acq_rel) != 0) bell_->ring();
}

}  // namespace motet::shm
