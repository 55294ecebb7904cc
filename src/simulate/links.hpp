// What both ways of sharing links need: who comes first at the same time, and how much each link
// and tier is used.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "simulate/events.hpp"
#include "simulate/workload.hpp"

namespace motet {

// Orders messages that come to one link at the same time: by how far they go round the world, then
// by where in its cell the sender is, then by step. None of it depends on which cell is the first.
class TieBreaker {
 public:
  // `cell`: of the smallest shift that leaves the fabric the same.
  TieBreaker(const Workload& work, int world_size, int cell)
      : work_(work), world_size_(world_size), cell_(cell) {}

  std::uint64_t key(std::uint32_t message) const {
    const MessageStream& stream = work_.streams[work_.messages[message].stream];
    const int distance = (stream.sender - stream.sends_to + world_size_) % world_size_;
    const std::uint32_t step =
        work_.messages[message].send - work_.first_step[static_cast<std::size_t>(stream.sender)];
    return link_key(static_cast<std::uint64_t>(distance) << 43U |
                    static_cast<std::uint64_t>(stream.sender % cell_) << 23U | (step & 0x7fffffU));
  }

 private:
  const Workload& work_;
  int world_size_, cell_;
};

// Seconds for which the slowest of these ports is occupied.
inline double slowest(const Ports& ports, std::span<const std::uint32_t> route, double bytes) {
  double longest = 0;
  for (const std::uint32_t port : route) longest = std::max(longest, ports[port].occupied(bytes));
  return longest;
}

class LinkMeter {
 public:
  LinkMeter(std::size_t ports, std::size_t tiers) : busy_(ports, 0), tiers_(tiers) {}

  // A link is at work from `begin` to `end`. Intervals come in such an order that none begins
  // before the gap in front of an earlier one.
  void occupy(std::uint32_t port, int tier, double begin, double end) {
    busy_[port] += end - begin;
    Tier& used = tiers_[static_cast<std::size_t>(tier)];
    if (end <= used.until) return;
    used.time += end - (begin > used.until ? begin : used.until);
    used.until = end;
  }
  // The same for links that work at the same time, whose ends are not known when they begin.
  void add_busy(std::uint32_t port, double seconds) { busy_[port] += seconds; }
  void begin(int tier, double now) {
    Tier& used = tiers_[static_cast<std::size_t>(tier)];
    if (used.active++ == 0) used.until = now;
  }
  void end(int tier, double now) {
    Tier& used = tiers_[static_cast<std::size_t>(tier)];
    if (--used.active == 0) used.time += now - used.until;
  }
  void carry(int tier, double bytes) { tiers_[static_cast<std::size_t>(tier)].bytes += bytes; }

  double busy(std::size_t port) const { return busy_[port]; }
  std::size_t ports() const { return busy_.size(); }
  double tier_time(std::size_t tier) const { return tiers_[tier].time; }
  double tier_bytes(std::size_t tier) const { return tiers_[tier].bytes; }

 private:
  struct Tier {
    double time = 0, until = 0, bytes = 0;
    int active = 0;
  };
  std::vector<double> busy_;  // by port, seconds
  std::vector<Tier> tiers_;
};

}  // namespace motet
