#include "planner/fabric_plan.hpp"

#include <algorithm>

#include "simulate/simulate.hpp"

namespace motet {
namespace {

// Messages whose simulation takes some ten milliseconds: of a plan, and of all other numbers of
// chunks that are tried together.
constexpr double affordable = 10'000, searchable = 2 * affordable;

// A fabric need not say what a message costs beside its bytes; shorter chunks are not worth it.
constexpr std::size_t least_chunk_bytes = 64 * 1024;

int most_chunks_of(const Problem& problem) {
  const std::size_t most = total_bytes(problem) / least_chunk_bytes;
  return static_cast<int>(std::clamp<std::size_t>(most, 1, most_chunks));
}

FabricPlan priced(const FabricTally& tally, Params params, int chunks, std::size_t block_bytes) {
  params.chunks = chunks;
  return {.params = params,
          .predicted = tally.price(chunks, block_bytes),
          .messages = std::max(1.0, tally.blocks_in_all(chunks, block_bytes))};
}

void look_at(FabricPlan& best, const Algorithm& algorithm, const Problem& problem,
             std::size_t block_bytes, int most) {
  if (!algorithm.supports(problem)) return;
  const FabricTally tally(algorithm, problem);
  for (int chunks = 1; chunks <= most; chunks *= 2) {
    const FabricPlan plan = priced(tally, problem.params, chunks, block_bytes);
    if (best.messages == 0 || plan.predicted.is_shorter_than(best.predicted)) best = plan;
    if (!algorithm.uses.chunks) return;
  }
}

// How long the plan takes by the simulator. Between nodes messages count as buffered, as they are
// over TCP; that RDMA lets receivers pull some of them is not modelled.
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

FabricPlan closed_form(const Algorithm& algorithm, const Problem& problem, std::size_t block_bytes,
                       int most) {
  FabricPlan best;
  Problem candidate = problem;
  const auto try_percent = [&](int percent) {
    candidate.params.around_percent = percent;
    look_at(best, algorithm, candidate, block_bytes, most);
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
  const int most = most_chunks_of(problem);
  FabricPlan plan = closed_form(algorithm, problem, block_bytes, most);
  if (plan.messages > affordable) return plan;
  judge(plan, algorithm, problem, block_bytes);
  if (!algorithm.uses.chunks) return plan;
  Problem tuned = problem;
  tuned.params = plan.params;
  const FabricTally tally(algorithm, tuned);
  double messages = 0;
  for (int chunks = 1; chunks <= most; chunks *= 2) {
    if (chunks == tuned.params.chunks) continue;
    FabricPlan other = priced(tally, tuned.params, chunks, block_bytes);
    messages += other.messages;
    if (messages > searchable) break;
    judge(other, algorithm, problem, block_bytes);
    if (other.predicted.is_shorter_than(plan.predicted)) plan = other;
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
