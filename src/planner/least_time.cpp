#include "planner/least_time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "topology/amounts.hpp"
#include "topology/flow/bound.hpp"

namespace motet {
namespace {

double fastest(const TimeTable& table) {
  double best = 0;
  for (const TimeTable::Point& point : table.points()) {
    const Seconds time = table.of_bytes(point.bytes);
    if (time > Seconds()) best = std::max(best, point.bytes / time.count());
  }
  return best;
}

// How fast one rank can receive.
Bandwidth incoming(TransportClass kind, const Problem& problem, const CostModel& model) {
  const bool shares_memory = kind == TransportClass::shared_memory;
  const LinkCost& link = shares_memory ? model.shared_memory : model.network;
  double best = fastest(link.message);
  const bool reduces = problem.collective == Collective::allreduce ||
                       problem.collective == Collective::reduce ||
                       problem.collective == Collective::reduce_scatter;
  // Reduced where it lies.
  if (reduces && link.publishes) best = std::max(best, fastest(model.reduce));
  // Within what the text of a fabric may say; a table may cost nothing per byte.
  constexpr double fastest_of_all = 1e15;
  return {best > 0 ? std::min(best, fastest_of_all) : fastest_of_all};
}

// That ranks which share cores have to wait for one another: how many times as slow each is.
double slowdown(const Problem& problem, const Machine& machine) {
  // What the root does alone takes as long, whoever else waits.
  if (problem.collective == Collective::gather || problem.collective == Collective::scatter) {
    return 1;
  }
  const bool rooted = has_root(problem.collective);  // whose root receives, or only sends
  const int nodes = problem.topology.node_count();
  const double working = (problem.world_size() - static_cast<int>(rooted)) *
                         (static_cast<double>(std::min(machine.nodes_sharing, nodes)) / nodes);
  return std::max(1.0, working / std::max(1, machine.cores_per_node));
}

std::string ranks_text(const Topology& topology) {
  const int n = topology.world_size(), nodes = topology.node_count();
  if (topology.uniform_nodes() &&
      topology == Topology::from_text(fmt::format("{} nodes x {}", nodes, n / nodes))) {
    return fmt::format("ranks {} nodes x {}\n", nodes, n / nodes);
  }
  std::string text;
  for (Rank rank = 0; rank < n; ++rank) {
    text += fmt::format("rank {}: node {}\n", rank, topology.node_of(rank));
  }
  return text;
}

bool has_lone_rank(const Topology& topology) {
  for (Rank rank = 0; rank < topology.world_size(); ++rank) {
    if (topology.node(rank).size() == 1) return true;
  }
  return false;
}

Fabric fabric_of(const Problem& problem, const Machine& machine, const CostModel& model) {
  const double slower = slowdown(problem, machine);
  const auto line = [&](const char* name, TransportClass kind) {
    const Bandwidth bandwidth{incoming(kind, problem, model).bytes_per_second / slower};
    return fmt::format("class {} {} 0 us\n", name, to_text(bandwidth));
  };
  std::string text = "fabric model\n" + ranks_text(problem.topology) +
                     line("inside", machine.within_nodes) + line("outside", machine.between_nodes) +
                     "switch node inside\n";
  if (const auto nic = nic_of(problem, machine, model)) {
    // A rank alone on its node has no switch there that could have a NIC; then each rank has one.
    text += fmt::format("class nic {} 0 us\nswitch world nic{}\n", to_text(*nic),
                        has_lone_rank(problem.topology) ? "" : " of node");
  } else {
    text += "switch world outside\n";
  }
  return Fabric::from_text(text);
}

}  // namespace

Seconds least_time(const Problem& problem, const Machine& machine, const CostModel& model) {
  const auto bytes = static_cast<double>(total_bytes(problem));
  if (problem.world_size() == 1 || bytes == 0 || is_point_to_point(problem.collective)) return {};
  const Bound least =
      problem.fabric != nullptr
          ? bound(*problem.fabric, problem.collective, problem.root)
          : bound(fabric_of(problem, machine, model), problem.collective, problem.root);
  return least.time(bytes);
}

}  // namespace motet
