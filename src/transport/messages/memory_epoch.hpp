// The epoch of what one rank lets its peers read through a fabric library, and how it ends.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace motet::messages {

class MemoryEndpoint;

class MemoryEpoch {
 public:
  std::uint32_t current() const { return epoch_; }

  void enter(MemoryEndpoint& endpoint) { endpoints_.push_back(&endpoint); }
  void leave(const MemoryEndpoint& endpoint) { std::erase(endpoints_, &endpoint); }

  // Begins a new one. Returns when no peer reads this rank's memory any more and this rank none of
  // theirs: they are asked, and who has not answered after 100 ms (stopped, gone, or away) is sent
  // nothing more. Then `unregister` sees to it that the library refuses what is asked for later.
  // This rank's own reads are cut off after 2 s. `progress` drives the transport.
  void end(const std::function<bool()>& progress, const std::function<void()>& unregister);

 private:
  std::uint32_t epoch_ = 1;
  std::vector<MemoryEndpoint*> endpoints_;
};

}  // namespace motet::messages
