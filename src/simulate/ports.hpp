// The queues that messages wait for: a port for each direction of a link, one for both directions
// of a shared one. Folded, one port stands for all those that nodes have in the same place.
#pragma once

#include <cstdint>
#include <vector>

#include "topology/fabric.hpp"

namespace motet {

struct Port {
  int link = 0;  // into Fabric::links(): the first it stands for
  int tier = 0;
  double latency = 0;                // seconds
  double per_byte = 0;               // seconds; where there is no table
  double parallel = 1;               // links used as one
  const LinkClass* table = nullptr;  // if its class has one
  bool of_one_rank = false;          // only one rank's messages come to it first

  // Seconds for which a message of that many bytes occupies it.
  double occupied(double bytes) const {
    return table == nullptr ? bytes * per_byte : table->occupied(bytes / parallel).count();
  }
};

// Ranks are alike if they are `cell` apart, and `cell` ranks are simulated for all of them.
struct Folding {
  int cell = 0;                 // the world size: not folded
  int copies = 1;               // world size / cell
  std::vector<int> orbit{};     // by port: the first port of those alike; empty: not folded
  std::vector<int> position{};  // by port: how often the first one is shifted to come to it; -1: it
                                // stands for fewer than `copies`
};

class Ports {
 public:
  // `fabric` must outlive it.
  explicit Ports(const Fabric& fabric);

  const Fabric& fabric() const { return fabric_; }
  std::size_t size() const { return ports_.size(); }
  const Port& operator[](std::uint32_t port) const { return ports_[port]; }
  const Port* data() const { return ports_.data(); }
  int of_link(int link) const { return port_of_[static_cast<std::size_t>(link)]; }
  // The ports on the way from one rank to another.
  std::vector<int> route(Rank from, Rank to) const;

 private:
  const Fabric& fabric_;
  std::vector<Port> ports_;
  std::vector<int> port_of_;  // by link
};

}  // namespace motet
