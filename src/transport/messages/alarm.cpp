#include "transport/messages/alarm.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/error.hpp"

namespace motet::messages {

Alarm::Alarm() : timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  if (!timer_) throw system_error("timerfd_create", errno);
}

void Alarm::ring_every(std::chrono::microseconds interval) {
  if (interval == interval_) return;
  interval_ = interval;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(interval);
  const timespec span{seconds.count(), std::chrono::nanoseconds(interval - seconds).count()};
  const itimerspec times{span, span};
  ::timerfd_settime(timer_.get(), 0, &times, nullptr);
}

void Alarm::silence() {
  std::uint64_t rings = 0;
  static_cast<void>(::read(timer_.get(), &rings, sizeof rings));
}

}  // namespace motet::messages
