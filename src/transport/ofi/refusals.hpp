// That libfabric has no room for a message although none of its line is under way: the connection
// is not there yet, or no more. With ofi_rxm nothing else shows that a peer is gone; it tries
// to connect again with each message that it refuses, for ever.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/deadline.hpp"

namespace motet::ofi {

class Refusals {
 public:
  void add(Clock::time_point now) {
    if (pause_ == first_pause) since_ = now;
    next_ = now + pause_;
    pause_ = std::min(2 * pause_, longest_pause);
  }
  void forget() { *this = {}; }

  bool may_try(Clock::time_point now) const { return now >= next_; }
  bool any() const { return pause_ > first_pause; }
  std::chrono::nanoseconds lasting(Clock::time_point now) const {
    return any() ? now - since_ : std::chrono::nanoseconds(0);
  }

 private:
  // Connecting takes some 100 us on one host; each try with a peer that is gone costs as much.
  static constexpr std::chrono::nanoseconds first_pause = std::chrono::microseconds(50);
  static constexpr std::chrono::nanoseconds longest_pause = std::chrono::milliseconds(10);

  Clock::time_point since_{}, next_{};
  std::chrono::nanoseconds pause_ = first_pause;
};

}  // namespace motet::ofi
