// A point in time by which a wait must end. Every wait in Motet has one.
#pragma once

#include <chrono>

namespace motet {

using Clock = std::chrono::steady_clock;

class Deadline {
 public:
  static Deadline after(std::chrono::nanoseconds span) { return Deadline(Clock::now() + span); }

  bool passed() const { return Clock::now() >= at_; }
  // Time left, at least zero; at most one hour, so that it fits any system call.
  std::chrono::milliseconds left() const {
    const auto now = Clock::now();
    if (now >= at_) return std::chrono::milliseconds(0);
    const auto span = std::chrono::duration_cast<std::chrono::milliseconds>(at_ - now);
    constexpr std::chrono::milliseconds longest = std::chrono::hours(1);
    return span < longest ? span : longest;
  }

 private:
  explicit Deadline(Clock::time_point at) : at_(at) {}
  Clock::time_point at_;
};

}  // namespace motet
