// A descriptor that becomes readable again and again, for sleepers who must look about.
#pragma once

#include <chrono>

#include "net/descriptor.hpp"

namespace motet::messages {

class Alarm {
 public:
  Alarm();  // throws Error{system}

  int descriptor() const { return timer_.get(); }
  void ring_every(std::chrono::microseconds interval);
  // Not readable until it rings next.
  void silence();

 private:
  Descriptor timer_;
  std::chrono::microseconds interval_{0};
};

}  // namespace motet::messages
