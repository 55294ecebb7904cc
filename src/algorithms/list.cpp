#include "algorithms/list.hpp"

#include <algorithm>
#include <array>

#include "algorithms/allgather_circulant.hpp"
#include "algorithms/allgather_forest.hpp"
#include "algorithms/allgather_hierarchical.hpp"
#include "algorithms/allgather_leaders.hpp"
#include "algorithms/allgather_mesh.hpp"
#include "algorithms/allgather_recursive_doubling.hpp"
#include "algorithms/allgather_ring.hpp"
#include "algorithms/allreduce_circulant.hpp"
#include "algorithms/allreduce_forest.hpp"
#include "algorithms/allreduce_halving_doubling.hpp"
#include "algorithms/allreduce_hierarchical.hpp"
#include "algorithms/allreduce_leaders.hpp"
#include "algorithms/allreduce_leaders_circulant.hpp"
#include "algorithms/allreduce_mesh.hpp"
#include "algorithms/allreduce_recursive_doubling.hpp"
#include "algorithms/allreduce_ring.hpp"
#include "algorithms/allreduce_star.hpp"
#include "algorithms/allreduce_two_shot.hpp"
#include "algorithms/allreduce_two_tree.hpp"
#include "algorithms/alltoall_bruck.hpp"
#include "algorithms/alltoall_mesh.hpp"
#include "algorithms/alltoall_pairwise.hpp"
#include "algorithms/alltoall_two_level.hpp"
#include "algorithms/barrier_dissemination.hpp"
#include "algorithms/barrier_hierarchical.hpp"
#include "algorithms/broadcast_binomial.hpp"
#include "algorithms/broadcast_chain.hpp"
#include "algorithms/broadcast_hierarchical.hpp"
#include "algorithms/broadcast_mesh.hpp"
#include "algorithms/broadcast_scatter_allgather.hpp"
#include "algorithms/broadcast_two_tree.hpp"
#include "algorithms/direct.hpp"
#include "algorithms/gather_binomial.hpp"
#include "algorithms/gather_mesh.hpp"
#include "algorithms/reduce_binomial.hpp"
#include "algorithms/reduce_hierarchical.hpp"
#include "algorithms/reduce_reduce_scatter_gather.hpp"
#include "algorithms/reduce_scatter_circulant.hpp"
#include "algorithms/reduce_scatter_forest.hpp"
#include "algorithms/reduce_scatter_hierarchical.hpp"
#include "algorithms/reduce_scatter_mesh.hpp"
#include "algorithms/reduce_scatter_recursive_halving.hpp"
#include "algorithms/reduce_scatter_ring.hpp"
#include "algorithms/reduce_star.hpp"
#include "algorithms/reduce_two_tree.hpp"
#include "algorithms/scatter_binomial.hpp"
#include "algorithms/scatter_mesh.hpp"

namespace motet {

namespace {

constexpr std::array list{
    allreduce_mesh,
    allreduce_star,
    allreduce_two_shot,
    allreduce_recursive_doubling,
    allreduce_halving_doubling,
    allreduce_circulant,
    allreduce_ring,
    allreduce_two_tree,
    allreduce_hierarchical,
    allreduce_leaders,
    allreduce_leaders_circulant,
    allreduce_forest,
    allgather_mesh,
    allgather_recursive_doubling,
    allgather_circulant,
    allgather_ring,
    allgather_hierarchical,
    allgather_leaders,
    allgather_forest,
    reduce_scatter_mesh,
    reduce_scatter_recursive_halving,
    reduce_scatter_circulant,
    reduce_scatter_ring,
    reduce_scatter_hierarchical,
    reduce_scatter_forest,
    broadcast_mesh,
    broadcast_binomial,
    broadcast_scatter_allgather,
    broadcast_chain,
    broadcast_two_tree,
    broadcast_hierarchical,
    reduce_star,
    reduce_binomial,
    reduce_reduce_scatter_gather,
    reduce_two_tree,
    reduce_hierarchical,
    alltoall_mesh,
    alltoall_pairwise,
    alltoall_two_level,
    alltoall_bruck,
    gather_mesh,
    gather_binomial,
    scatter_mesh,
    scatter_binomial,
    barrier_dissemination,
    barrier_hierarchical,
    send_direct,
    recv_direct,
};

}  // namespace

std::span<const Algorithm> algorithms() {
  return list;
}

const Algorithm* find_algorithm(Collective collective, std::string_view name) {
  const auto* found = std::find_if(list.begin(), list.end(), [&](const Algorithm& algorithm) {
    return algorithm.collective == collective && algorithm.name == name;
  });
  return found == list.end() ? nullptr : found;
}

std::vector<const Algorithm*> algorithms_for(Collective collective) {
  std::vector<const Algorithm*> found;
  for (const Algorithm& algorithm : list) {
    if (algorithm.collective == collective) found.push_back(&algorithm);
  }
  return found;
}

Schedule build_schedule(const Algorithm& algorithm, const Problem& problem, Rank me) {
  ScheduleBuilder builder(problem, me);
  algorithm.build(problem, me, builder);
  return builder.finish();
}

}  // namespace motet
