#include "simulate/fifo_links.hpp"

#include <algorithm>

namespace motet {

FifoLinks::FifoLinks(const Ports& ports, const Workload& work, const TieBreaker& ties,
                     EventQueue& events)
    : ports_(ports),
      work_(work),
      events_(events),
      ties_(ties),
      meter_(ports.size(), ports.fabric().topology().tiers().size()),
      free_(ports.size(), 0) {}

void FifoLinks::start(std::uint32_t message, double bytes, double now) {
  const MessageStream& stream = work_.streams[work_.messages[message].stream];
  meter_.carry(stream.tier, bytes);
  const Transfer transfer{.message = message, .hop = 0, .bytes = bytes, .tail = now};
  // Those of one rank come in its order; others may have come at the same time.
  if (ports_[work_.route_of(stream).front()].of_one_rank) return advance(transfer, now);
  wait_for_hop(transfer, now);
}

void FifoLinks::go_on(std::uint32_t transfer, double now) {
  unused_.push_back(transfer);
  advance(transfers_[transfer], now);
}

void FifoLinks::wait_for_hop(const Transfer& transfer, double now) {
  std::uint32_t place = static_cast<std::uint32_t>(transfers_.size());
  if (unused_.empty()) {
    transfers_.push_back(transfer);
  } else {
    place = unused_.back();
    unused_.pop_back();
    transfers_[place] = transfer;
  }
  events_.push({now, ties_.key(transfer.message), place, EventKind::hop});
}

// When the link begins with it.
double FifoLinks::serve(std::uint32_t port, double bytes, double now) {
  const double begin = std::max(now, free_[port]);
  free_[port] = begin + ports_[port].occupied(bytes);
  meter_.occupy(port, ports_[port].tier, begin, free_[port]);
  return begin;
}

void FifoLinks::advance(Transfer transfer, double now) {
  const WorkMessage& message = work_.messages[transfer.message];
  const MessageStream& stream = work_.streams[message.stream];
  const std::uint32_t port = work_.route_of(stream)[transfer.hop];
  const double begin = serve(port, transfer.bytes, now);
  const double latency = ports_[port].latency;
  if (transfer.hop == 0) {
    // It leaves its rank at the pace of the slowest link of its way.
    const double left = stream.hops == 1
                            ? free_[port]
                            : begin + slowest(ports_, work_.route_of(stream), transfer.bytes);
    events_.push(
        {left, rank_key(message.send, EventKind::taken), transfer.message, EventKind::taken});
  }
  transfer.tail = std::max(transfer.tail, free_[port]) + latency;
  if (++transfer.hop < stream.hops) return wait_for_hop(transfer, begin + latency);
  events_.push({transfer.tail, rank_key(message.recv, EventKind::arrived), transfer.message,
                EventKind::arrived});
}

}  // namespace motet
