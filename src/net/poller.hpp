// What a thread sleeps on: an epoll set, a timer and a bell, each owning its descriptor. Their
// constructors throw Error{system}; nothing else here does except Poller::add.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <span>

#include "base/deadline.hpp"
#include "net/descriptor.hpp"

namespace motet {

// Level-triggered. One thread waits; a descriptor must be removed before it is closed (a forked
// child may still hold it, and then closing does not remove it).
class Poller {
 public:
  struct Event {
    std::uint64_t tag;
    std::uint32_t events;  // EPOLLIN, EPOLLOUT, ...
  };

  Poller();
  void add(int fd, std::uint32_t events, std::uint64_t tag);               // throws Error{system}
  bool try_add(int fd, std::uint32_t events, std::uint64_t tag) noexcept;  // false: see errno
  void change(int fd, std::uint32_t events, std::uint64_t tag) noexcept;
  void remove(int fd) noexcept;
  // What is ready, at most 64, valid until the next call. Empty after `timeout` or a signal.
  std::span<const Event> wait(std::chrono::milliseconds timeout);
  int descriptor() const { return epoll_.get(); }

 private:
  Descriptor epoll_;
  std::array<Event, 64> ready_{};
};

// Readable once its time has come, until set anew.
class Timer {
 public:
  Timer();
  void set(Clock::time_point when) noexcept;  // time_point::max(): never
  int descriptor() const { return timer_.get(); }

 private:
  Descriptor timer_;
  Clock::time_point when_ = Clock::time_point::max();
};

// Readable from ring() until silence(). ring() from any thread.
class Bell {
 public:
  Bell();
  void ring() const noexcept;
  void silence() const noexcept;
  int descriptor() const { return event_.get(); }

 private:
  Descriptor event_;
};

// Whether one of `events` happened to `fd` before the deadline.
bool wait_for(int fd, short events, const Deadline& deadline);

}  // namespace motet
