#include "net/poller.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "net/own.hpp"

namespace motet {
namespace {

epoll_event wish(std::uint32_t events, std::uint64_t tag) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  return event;
}

}  // namespace

Poller::Poller() : epoll_(own(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

void Poller::add(int fd, std::uint32_t events, std::uint64_t tag) {
  if (!try_add(fd, events, tag)) throw system_error("epoll_ctl", errno);
}

bool Poller::try_add(int fd, std::uint32_t events, std::uint64_t tag) noexcept {
  epoll_event event = wish(events, tag);
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Poller::change(int fd, std::uint32_t events, std::uint64_t tag) noexcept {
  epoll_event event = wish(events, tag);
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Poller::remove(int fd) noexcept {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

std::span<const Poller::Event> Poller::wait(std::chrono::milliseconds timeout) {
  std::array<epoll_event, std::tuple_size_v<decltype(ready_)>> events{};
  const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                               static_cast<int>(timeout.count()));
  const auto found = static_cast<std::size_t>(std::max(count, 0));
  for (std::size_t i = 0; i < found; ++i) ready_[i] = {events[i].data.u64, events[i].events};
  return std::span(ready_).first(found);
}

Timer::Timer()
    : timer_(own(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create")) {}

void Timer::set(Clock::time_point when) noexcept {
  if (when == when_) return;
  when_ = when;
  // A time of zero would disarm it.
  const auto since_boot = std::max<std::int64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(when.time_since_epoch()).count(), 1);
  itimerspec spec{};
  if (when != Clock::time_point::max()) {
    spec.it_value.tv_sec = since_boot / 1'000'000'000;
    spec.it_value.tv_nsec = since_boot % 1'000'000'000;
  }
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

Bell::Bell() : event_(own(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {}

void Bell::ring() const noexcept {
  eventfd_write(event_.get(), 1);
}

void Bell::silence() const noexcept {
  eventfd_t rings = 0;
  eventfd_read(event_.get(), &rings);
}

bool wait_for(int fd, short events, const Deadline& deadline) {
  pollfd wish{fd, events, 0};
  while (true) {
    // One more millisecond: the time left is rounded down, and zero would spin.
    const int ready = poll(&wish, 1, static_cast<int>(deadline.left().count()) + 1);
    if (ready > 0) return true;
    if (deadline.passed()) return false;
  }
}

}  // namespace motet
