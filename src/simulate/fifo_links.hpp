// Links that serve messages one after the other, in the order in which they come, cut through: the
// head of a message goes on while its tail still comes.
#pragma once

#include <cstdint>
#include <vector>

#include "simulate/events.hpp"
#include "simulate/links.hpp"

namespace motet {

class FifoLinks {
 public:
  static constexpr bool queues = true;

  FifoLinks(const Ports& ports, const Workload& work, const TieBreaker& ties, EventQueue& events);

  // A block of a message comes to its first link.
  void start(std::uint32_t message, double bytes, double now);
  // The subject of a `hop`.
  void go_on(std::uint32_t transfer, double now);
  const LinkMeter& meter() const { return meter_; }

  // Nothing is put off.
  bool must_settle() const { return false; }
  void settle() {}

 private:
  struct Transfer {
    std::uint32_t message, hop;
    double bytes, tail;  // tail: when it has left the link before
  };

  double serve(std::uint32_t port, double bytes, double now);
  void wait_for_hop(const Transfer& transfer, double now);
  void advance(Transfer transfer, double now);

  const Ports& ports_;
  const Workload& work_;
  EventQueue& events_;
  TieBreaker ties_;
  LinkMeter meter_;
  std::vector<double> free_;         // by port: when it has served all that came
  std::vector<Transfer> transfers_;  // those between two links; a pool
  std::vector<std::uint32_t> unused_;
};

}  // namespace motet
