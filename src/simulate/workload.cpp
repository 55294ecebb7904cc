#include "simulate/workload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "base/error.hpp"

namespace motet {
namespace {

constexpr std::uint32_t none = UINT32_MAX;

Error mismatch(const std::string& what) {
  return {ErrorCode::invalid_argument, "simulate: " + what};
}

// Of a step in one piece, blockwise is whole.
bool is_blockwise(const WorkStep& step, const Dependency& on) {
  return on.blockwise && step.blocks > 1;
}

}  // namespace

std::uint64_t BlockRule::block_bytes(std::uint64_t step_bytes) const {
  if (bytes == 0) return std::max<std::uint64_t>(1, step_bytes);
  const std::uint64_t wished = std::max<std::uint64_t>(1, bytes / element_bytes);
  if (most == 0) return wished * element_bytes;
  const auto pieces = static_cast<std::uint64_t>(most);
  return std::max(wished, (step_bytes / element_bytes + pieces - 1) / pieces) * element_bytes;
}

WorkloadBuilder::WorkloadBuilder(const Ports& ports, const Folding& fold, const BlockRule& rule,
                                 bool pulls_within_nodes_only)
    : ports_(ports),
      fold_(fold),
      pulls_within_nodes_only_(pulls_within_nodes_only),
      slots_(static_cast<std::size_t>(ports.fabric().world_size()) * max_channels, none) {
  work_.rule = rule;
  work_.first_step.push_back(0);
}

void WorkloadBuilder::add(const Schedule& schedule) {
  if (work_.steps.empty()) reserve(schedule);
  const auto rank = static_cast<std::uint32_t>(work_.first_step.size() - 1);
  for (const Step& step : schedule.steps) {
    const std::uint64_t bytes = step.count() * work_.rule.element_bytes;
    const std::uint64_t blocks = bytes == 0 ? 1 : (bytes - 1) / work_.rule.block_bytes(bytes) + 1;
    work_.steps.push_back({.bytes = bytes,
                           .blocks = static_cast<std::uint32_t>(blocks),
                           .rank = rank,
                           .op = step.op,
                           .rendezvous = is_rendezvous(step, static_cast<Rank>(rank))});
    address_.push_back({step.peer, step.channel});
  }
  add_dependencies(schedule);
  work_.first_step.push_back(static_cast<std::uint32_t>(work_.steps.size()));
}

bool WorkloadBuilder::is_rendezvous(const Step& step, Rank me) const {
  if (step.mover == Mover::either) return false;
  const Topology& topology = ports_.fabric().topology();
  return !pulls_within_nodes_only_ || topology.node_of(step.peer) == topology.node_of(me);
}

// As much as all ranks need if they are like the first.
void WorkloadBuilder::reserve(const Schedule& schedule) {
  const auto ranks = static_cast<std::size_t>(fold_.cell);
  work_.steps.reserve(ranks * schedule.steps.size() + 1);
  work_.missing.reserve(ranks * schedule.steps.size());
  work_.waiters.reserve(ranks * schedule.dependencies.size());
  work_.messages.reserve(ranks * schedule.steps.size() / 2);
  address_.reserve(ranks * schedule.steps.size());
}

void WorkloadBuilder::add_dependencies(const Schedule& schedule) {
  const std::uint32_t first = work_.first_step.back();
  std::vector<std::uint32_t> next(schedule.steps.size() + 1, 0);  // by step: its next waiter
  for (std::uint32_t s = 0; s < schedule.steps.size(); ++s) {
    WorkStep& step = work_.steps[first + s];
    step.first_blockwise = static_cast<std::uint32_t>(work_.blockwise.size());
    std::uint32_t& missing = work_.missing.emplace_back(0);
    for (const Dependency& on : schedule.dependencies_of(schedule.steps[s])) {
      ++next[on.step + 1];
      if (is_blockwise(step, on)) {
        work_.blockwise.push_back(first + on.step);
      } else {
        ++missing;
      }
    }
  }
  next.front() = static_cast<std::uint32_t>(work_.waiters.size());
  std::partial_sum(next.begin(), next.end(), next.begin());
  work_.waiters.resize(next.back());
  for (std::uint32_t s = 0; s < schedule.steps.size(); ++s) {
    work_.steps[first + s].first_waiter = next[s];
  }
  for (std::uint32_t s = 0; s < schedule.steps.size(); ++s) {
    for (const Dependency& on : schedule.dependencies_of(schedule.steps[s])) {
      const bool blockwise = is_blockwise(work_.steps[first + s], on);
      work_.waiters[next[on.step]++] = {first + s, blockwise};
    }
  }
}

Workload WorkloadBuilder::finish() {
  work_.steps.push_back({.first_waiter = static_cast<std::uint32_t>(work_.waiters.size()),
                         .first_blockwise = static_cast<std::uint32_t>(work_.blockwise.size())});
  find_streams();
  number_messages();
  match_receives();
  find_routes();
  return std::exchange(work_, {});
}

std::uint32_t& WorkloadBuilder::slot(const Address& address) {
  return slots_[static_cast<std::size_t>(address.peer) * max_channels + address.channel];
}

// A stream for every (sender, peer, channel), in the order of first use; messages are counted.
void WorkloadBuilder::find_streams() {
  const int n = ports_.fabric().world_size();
  for (Rank rank = 0; rank < fold_.cell; ++rank) {
    const std::size_t first = work_.streams.size();
    for (std::uint32_t s = work_.first_step[rank]; s < work_.first_step[rank + 1]; ++s) {
      if (work_.steps[s].op != Op::send) continue;
      const Address& to = address_[s];
      std::uint32_t& stream = slot(to);
      if (stream == none) {
        stream = static_cast<std::uint32_t>(work_.streams.size());
        const Rank shift = to.peer - to.peer % fold_.cell;
        work_.streams.push_back({.sender = rank,
                                 .receiver = to.peer - shift,
                                 .sends_to = to.peer,
                                 .hears_of = (rank - shift + n) % n,
                                 .channel = to.channel});
      }
      work_.steps[s].message = work_.streams[stream].message_count++;
      work_.messages.push_back({.send = s, .stream = stream});
    }
    for (std::size_t s = first; s < work_.streams.size(); ++s) {
      slot({work_.streams[s].sends_to, work_.streams[s].channel}) = none;
    }
  }
}

// Messages get the numbers in which those of a stream follow one another.
void WorkloadBuilder::number_messages() {
  std::uint32_t next = 0;
  for (MessageStream& stream : work_.streams) {
    stream.first_message = next;
    next += stream.message_count;
  }
  std::vector<WorkMessage> numbered(work_.messages.size());
  for (const WorkMessage& message : work_.messages) {
    WorkStep& send = work_.steps[message.send];
    send.message += work_.streams[message.stream].first_message;
    numbered[send.message] = message;
  }
  work_.messages = std::move(numbered);
}

void WorkloadBuilder::match_receives() {
  std::vector<std::uint32_t> order(work_.streams.size());  // by receiver
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&](std::uint32_t s) { return work_.streams[s].receiver; });
  std::vector<std::uint32_t> received(work_.streams.size(), 0);
  auto begin = order.begin();
  for (Rank rank = 0; rank < fold_.cell; ++rank) {
    auto end = begin;
    for (; end != order.end() && work_.streams[*end].receiver == rank; ++end) {
      slot({work_.streams[*end].hears_of, work_.streams[*end].channel}) = *end;
    }
    for (std::uint32_t s = work_.first_step[rank]; s < work_.first_step[rank + 1]; ++s) {
      WorkStep& step = work_.steps[s];
      if (step.op != Op::recv && step.op != Op::recv_reduce) continue;
      const std::uint32_t stream = slot(address_[s]);
      if (stream == none || received[stream] == work_.streams[stream].message_count) {
        throw mismatch(fmt::format("rank {} waits for a message from rank {} that is never sent",
                                   rank, address_[s].peer));
      }
      step.message = work_.streams[stream].first_message + received[stream]++;
      WorkMessage& message = work_.messages[step.message];
      message.recv = s;
      const WorkStep& send = work_.steps[message.send];
      if (send.bytes != step.bytes || send.rendezvous != step.rendezvous) {
        throw mismatch(describe(work_.streams[stream]) + " have different sizes or movers");
      }
    }
    for (; begin != end; ++begin) {
      slot({work_.streams[*begin].hears_of, work_.streams[*begin].channel}) = none;
      if (received[*begin] < work_.streams[*begin].message_count) {
        throw mismatch(describe(work_.streams[*begin]) + " are not all received");
      }
    }
  }
}

void WorkloadBuilder::find_routes() {
  for (MessageStream& stream : work_.streams) {
    const std::vector<int> way = ports_.route(stream.sender, stream.sends_to);
    stream.first_hop = static_cast<std::uint32_t>(work_.route.size());
    stream.hops = static_cast<std::uint32_t>(way.size());
    for (const int port : way) {
      stream.latency += ports_[port].latency;
      stream.tier = std::max(stream.tier, ports_[port].tier);
      const int first = fold_.orbit.empty() ? port : fold_.orbit[port];
      work_.route.push_back(static_cast<std::uint32_t>(first));
    }
  }
}

std::string WorkloadBuilder::describe(const MessageStream& stream) const {
  return fmt::format("messages from rank {} to rank {} on channel {}", stream.sender,
                     stream.sends_to, stream.channel);
}

}  // namespace motet
