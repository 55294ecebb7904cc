// Owner of a file descriptor. Every descriptor of Motet lives in one, closes on exec, and is closed
// in a forked child, so that a child that outlives its parent does not hide the parent's death from
// peers.
#pragma once

#include <atomic>

#include <utility>

namespace motet {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd);  // takes ownership; must have been opened close-on-exec
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset() noexcept;

 private:
  int fd_ = -1;
};

// Installs (once) the pthread_atfork handler that closes all descriptors in the child and disables
// the library there.
void guard_against_fork();
// Set by that handler. Relaxed: a new process has only the thread that sees it.
inline std::atomic<bool> forked_child{false};
// True in a child forked from a process that uses Motet; every public call then fails with
// Error{unavailable}.
inline bool is_forked_child() noexcept {
  return forked_child.load(std::memory_order_relaxed);
}

}  // namespace motet
