// The schedules of the simulated ranks as one flat program: steps with their blocks and what waits
// for them, messages with their two ends and their way. Does not change while it runs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "schedule/schedule.hpp"
#include "simulate/ports.hpp"

namespace motet {

// Into how many blocks of which size steps are cut. Depends on the message alone, so that both ends
// cut it alike.
struct BlockRule {
  std::size_t element_bytes = 1;
  std::size_t bytes = 0;  // 0: one block
  int most = 0;           // 0: any number

  // Whole elements.
  std::uint64_t block_bytes(std::uint64_t step_bytes) const;
};

// Half a cache line: a simulation of thousands of ranks waits for memory.
struct WorkStep {
  std::uint64_t bytes = 0;
  std::uint32_t blocks = 1;
  std::uint32_t message = 0;  // of a step that is not local
  std::uint32_t rank = 0;     // the simulated one, 0 ... cell - 1
  // Into Workload; they end where those of the next step begin.
  std::uint32_t first_waiter = 0, first_blockwise = 0;
  Op op = Op::copy;
  bool rendezvous = false;
};
static_assert(sizeof(WorkStep) == 32);

// The messages from one rank to another on one channel.
struct MessageStream {
  Rank sender = 0, receiver = 0;    // simulated
  Rank sends_to = 0, hears_of = 0;  // the peers as those two know them
  Channel channel = 0;
  std::uint32_t first_message = 0, message_count = 0;
  std::uint32_t first_hop = 0, hops = 0;  // into Workload::route
  double latency = 0;                     // of the whole way, seconds
  int tier = 0;                           // the outermost on the way
};

struct WorkMessage {
  std::uint32_t send = 0, recv = 0;  // steps
  std::uint32_t stream = 0;
};

// A step that waits for another: for each block, or for all of it.
class Waiter {
 public:
  Waiter() = default;
  Waiter(std::uint32_t step, bool blockwise) : code_(step << 1U | (blockwise ? 1U : 0U)) {}
  std::uint32_t step() const { return code_ >> 1U; }
  bool blockwise() const { return (code_ & 1U) != 0; }

 private:
  std::uint32_t code_ = 0;
};

struct Workload {
  BlockRule rule;
  std::vector<WorkStep> steps;            // of all simulated ranks, in program order; one more
  std::vector<std::uint32_t> missing;     // by step: how many must be done entirely before it
  std::vector<std::uint32_t> first_step;  // by simulated rank; one more for the end
  std::vector<Waiter> waiters;
  std::vector<std::uint32_t> blockwise;  // steps of which block j must be done before block j
  std::vector<MessageStream> streams;
  std::vector<WorkMessage> messages;  // those of a stream one after the other
  std::vector<std::uint32_t> route;   // ports

  std::uint32_t step_count() const { return first_step.back(); }
  double bytes_of(const WorkStep& step, std::uint32_t block) const {
    if (step.blocks == 1) return static_cast<double>(step.bytes);
    const std::uint64_t each = rule.block_bytes(step.bytes);
    return static_cast<double>(std::min(each, step.bytes - block * each));
  }
  std::span<const Waiter> waiters_of(std::uint32_t step) const {
    return {waiters.data() + steps[step].first_waiter,
            waiters.data() + steps[step + 1].first_waiter};
  }
  std::span<const std::uint32_t> blockwise_of(std::uint32_t step) const {
    return {blockwise.data() + steps[step].first_blockwise,
            blockwise.data() + steps[step + 1].first_blockwise};
  }
  std::span<const std::uint32_t> route_of(const MessageStream& stream) const {
    return {route.data() + stream.first_hop, stream.hops};
  }
};

// Takes the schedules of ranks 0 ... cell - 1 one after the other; they need not be kept.
class WorkloadBuilder {
 public:
  WorkloadBuilder(const Ports& ports, const Folding& fold, const BlockRule& rule,
                  bool pulls_within_nodes_only);
  void add(const Schedule& schedule);
  // Throws Error{invalid_argument} where messages do not match.
  Workload finish();

 private:
  struct Address {
    Rank peer;
    Channel channel;
  };

  bool is_rendezvous(const Step& step, Rank me) const;
  void reserve(const Schedule& schedule);
  void add_dependencies(const Schedule& schedule);
  std::uint32_t& slot(const Address& address);
  void find_streams();
  void number_messages();
  void match_receives();
  void find_routes();
  std::string describe(const MessageStream& stream) const;

  const Ports& ports_;
  const Folding& fold_;
  bool pulls_within_nodes_only_;
  Workload work_;
  std::vector<Address> address_;      // by step
  std::vector<std::uint32_t> slots_;  // by peer and channel: a stream
};

}  // namespace motet
