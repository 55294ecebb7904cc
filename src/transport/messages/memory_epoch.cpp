#include "transport/messages/memory_epoch.hpp"

#include <algorithm>
#include <thread>

#include "base/deadline.hpp"
#include "transport/messages/memory_endpoint.hpp"

namespace motet::messages {
namespace {

// For an answer: as over shared memory.
constexpr std::chrono::milliseconds patience_with_peers{100};
// A fabric gives up by itself what it reads from a peer that is gone, which takes it longer; and
// cutting off may cost the connections to others.
constexpr std::chrono::seconds patience_with_reads{2};

}  // namespace

void MemoryEpoch::end(const std::function<bool()>& progress,
                      const std::function<void()>& unregister) {
  ++epoch_;
  for (MemoryEndpoint* endpoint : endpoints_) endpoint->ask_to_withdraw(epoch_);
  const Deadline answers = Deadline::after(patience_with_peers);
  const Deadline reads = Deadline::after(patience_with_reads);
  const auto is_awaited = [&](const MemoryEndpoint* endpoint) {
    return (endpoint->reads_anything() && !reads.passed()) ||
           (endpoint->awaits_answer() && !answers.passed());
  };
  const auto is_over = [&] {
    for (MemoryEndpoint* endpoint : endpoints_) endpoint->answer_withdrawal();
    return std::ranges::none_of(endpoints_, is_awaited);
  };
  while (!is_over()) {
    if (!progress()) std::this_thread::yield();
  }
  unregister();
  for (MemoryEndpoint* endpoint : endpoints_) endpoint->follow_what_was_read();
  const Deadline words = Deadline::after(patience_with_peers);
  const auto may_be_sending = [](const MemoryEndpoint* endpoint) {
    return endpoint->may_be_sending();
  };
  while (std::ranges::any_of(endpoints_, may_be_sending) && !words.passed()) {
    if (!progress()) std::this_thread::yield();
  }
  for (MemoryEndpoint* endpoint : endpoints_) endpoint->finish_withdrawing();
}

}  // namespace motet::messages
