#include "transport/messages/memory_epoch.hpp"

#include <algorithm>
#include <thread>

#include "base/deadline.hpp"
#include "transport/messages/memory_endpoint.hpp"

namespace motet::messages {
namespace {

// As over shared memory.
constexpr std::chrono::milliseconds patience{100};

}  // namespace

void MemoryEpoch::end(const std::function<bool()>& progress) {
  ++epoch_;
  for (MemoryEndpoint* endpoint : endpoints_) endpoint->ask_to_withdraw(epoch_);
  const auto all_are_quiet = [&] {
    bool quiet = true;
    for (MemoryEndpoint* endpoint : endpoints_) quiet &= endpoint->is_quiet();
    return quiet;
  };
  const Deadline deadline = Deadline::after(patience);
  while (!all_are_quiet() && !deadline.passed()) {
    if (!progress()) std::this_thread::yield();
  }
  for (MemoryEndpoint* endpoint : endpoints_) endpoint->finish_withdrawing();
}

}  // namespace motet::messages
