#include "simulate/ports.hpp"

namespace motet {

Ports::Ports(const Fabric& fabric) : fabric_(fabric), port_of_(fabric.links().size(), -1) {
  for (std::size_t index = 0; index < port_of_.size(); ++index) {
    const Link& link = fabric.links()[index];
    const LinkClass& link_class = fabric.classes()[static_cast<std::size_t>(link.link_class)];
    const bool shared = link_class.sharing == Sharing::shared;
    if (shared && port_of_[static_cast<std::size_t>(link.reverse)] >= 0) {
      port_of_[index] = port_of_[static_cast<std::size_t>(link.reverse)];
      continue;
    }
    port_of_[index] = static_cast<int>(ports_.size());
    ports_.push_back({.link = static_cast<int>(index),
                      .tier = link.tier,
                      .latency = link_class.latency.count(),
                      .per_byte = fabric.bandwidth(link).time(1).count(),
                      .parallel = static_cast<double>(link.parallel),
                      .table = link_class.table.empty() ? nullptr : &link_class,
                      .of_one_rank = !shared && link.from < fabric.world_size()});
  }
}

std::vector<int> Ports::route(Rank from, Rank to) const {
  std::vector<int> way = fabric_.route(from, to);
  for (int& link : way) link = of_link(link);
  return way;
}

}  // namespace motet
