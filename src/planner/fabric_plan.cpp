#include "planner/fabric_plan.hpp"

#include <algorithm>

#include "simulate/simulate.hpp"

namespace motet {
namespace {

constexpr double beyond_rounding = 1 - 1e-9;
// Messages that can be simulated: once, some ten milliseconds; a few times, as long together.
constexpr double affordable = 10'000, searchable = affordable / 10;

void look_at(FabricPlan& best, const Algorithm& algorithm, const Problem& problem,
             std::size_t block_bytes) {
  if (!algorithm.supports(problem)) return;
  const FabricTally tally(algorithm, problem);
  for (int chunks = 1; chunks <= most_chunks; chunks *= 2) {
    const Prediction predicted = tally.price(chunks, block_bytes);
    const bool is_first = best.messages == 0;
    if (is_first || predicted.total() < best.predicted.total() * beyond_rounding) {
      best = {.params = problem.params,
              .predicted = predicted,
              .messages = std::max(1.0, tally.blocks_in_all(chunks, block_bytes))};
      best.params.chunks = chunks;
    }
    if (!algorithm.uses.chunks) return;
  }
}

// How long the plan takes by the simulator.
void judge(FabricPlan& plan, const Algorithm& algorithm, const Problem& problem,
           std::size_t block_bytes) {
  Problem tuned = problem;
  tuned.params = plan.params;
  const SimulationOptions how{.block_bytes = block_bytes,
                              .most_blocks = most_blocks(plan.params.chunks),
                              .pulls_within_nodes_only = true};
  const Seconds time = simulate(*problem.fabric, algorithm, tuned, how).time;
  plan.predicted.latency = std::min(plan.predicted.latency, time);
  plan.predicted.work = time - plan.predicted.latency;
  plan.is_simulated = true;
}

}  // namespace

FabricPlan closed_form(const Algorithm& algorithm, const Problem& problem,
                       std::size_t block_bytes) {
  FabricPlan best;
  Problem candidate = problem;
  const auto try_percent = [&](int percent) {
    candidate.params.around_percent = percent;
    look_at(best, algorithm, candidate, block_bytes);
  };
  try_percent(0);
  // Only a tier between the innermost and the outermost can be gone around.
  if (!algorithm.uses.around || problem.topology.tiers().size() < 3) return best;
  // Beyond two thirds the outer tier would have to be the faster one.
  for (int percent = 10; percent <= 60; percent += 10) try_percent(percent);
  for (const int step : {5, 2}) {
    const int middle = best.params.around_percent;
    if (middle > step) try_percent(middle - step);
    try_percent(middle + step);
  }
  return best;
}

FabricPlan plan_on_fabric(const Algorithm& algorithm, const Problem& problem,
                          std::size_t block_bytes) {
  FabricPlan plan = closed_form(algorithm, problem, block_bytes);
  if (plan.messages > affordable) return plan;
  judge(plan, algorithm, problem, block_bytes);
  if (!algorithm.uses.chunks || plan.messages > searchable) return plan;
  FabricPlan other = plan;
  for (int chunks = 1; chunks <= most_chunks; chunks *= 2) {
    other.params.chunks = chunks;
    if (chunks == plan.params.chunks) continue;
    judge(other, algorithm, problem, block_bytes);
    if (other.predicted.total() < plan.predicted.total() * beyond_rounding) plan = other;
  }
  return plan;
}

Seconds least_latency(const Algorithm& algorithm, const Problem& problem) {
  const Fabric& fabric = *problem.fabric;
  const auto latency_to = [&](Rank peer) {
    Seconds sum{};
    for (const int link : fabric.route(problem.root, peer)) {
      sum += fabric.class_of(fabric.links()[link]).latency;
    }
    return sum;
  };
  // To any rank: a neighbour may be near in space and far by its links.
  const Group world = problem.topology.world(problem.root);
  Seconds least = latency_to(world.right());
  for (int distance = 2; distance < world.size(); distance *= 2) {
    least = std::min(least, latency_to(world.at(world.index() + distance)));
  }
  const Rounds rounds = algorithm.rounds(problem);
  return (rounds.within_nodes + rounds.between_nodes) * least;
}

}  // namespace motet
