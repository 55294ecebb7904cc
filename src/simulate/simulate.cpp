#include "simulate/simulate.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "algorithms/list.hpp"
#include "base/assert.hpp"
#include "base/error.hpp"
#include "simulate/fair_links.hpp"
#include "simulate/fifo_links.hpp"
#include "simulate/run.hpp"
#include "simulate/symmetry.hpp"

namespace motet {
namespace {

ProcessorCost cost_on(const Fabric& fabric) {
  return {.per_copied_byte = fabric.copy().time(1).count(),
          .per_reduced_byte = fabric.reduce().time(1).count(),
          .per_block = fabric.step_overhead().count()};
}

Simulation summary(const Ports& ports, const Folding& fold, const LinkMeter& meter, RunResult run) {
  Simulation result;
  const auto copies = static_cast<std::uint64_t>(fold.copies);
  for (int copy = 0; copy < fold.copies; ++copy) {
    for (const double finish : run.finish) result.finish.emplace_back(finish);
  }
  result.time = *std::ranges::max_element(result.finish);
  result.tiers.resize(ports.fabric().topology().tiers().size());
  for (std::size_t tier = 0; tier < result.tiers.size(); ++tier) {
    result.tiers[tier] = {Seconds(meter.tier_time(tier)),
                          meter.tier_bytes(tier) * static_cast<double>(copies)};
  }
  for (std::size_t port = 0; port < ports.size(); ++port) {
    if (meter.busy(port) <= result.busiest.busy.count()) continue;
    result.busiest = {ports.data()[port].link, Seconds(meter.busy(port))};
  }
  result.messages = run.messages * copies;
  result.simulated_ranks = fold.cell;
  result.timeline = std::move(run.timeline);
  return result;
}

template <class Links>
Simulation run(const Ports& ports, const Folding& fold, const Workload& work, int tie_cell,
               bool timeline) {
  const Fabric& fabric = ports.fabric();
  const TieBreaker ties(work, fabric.world_size(), tie_cell);
  Run<Links> simulation(ports, work, ties, cost_on(fabric));
  RunResult result = simulation.run(timeline);
  if (!result.complete) {
    throw Error(ErrorCode::invalid_argument, "simulate: steps wait for each other for ever");
  }
  return summary(ports, fold, simulation.meter(), std::move(result));
}

Simulation run(const Ports& ports, const Folding& fold, const Workload& work, int tie_cell,
               const SimulationOptions& options) {
  return options.links == LinkModel::fifo
             ? run<FifoLinks>(ports, fold, work, tie_cell, options.timeline)
             : run<FairLinks>(ports, fold, work, tie_cell, options.timeline);
}

// Point to point `root` is the other one, who does the opposite.
Schedule schedule_of(const Algorithm& algorithm, const Problem& problem, Rank rank) {
  if (!is_point_to_point(problem.collective) || rank != problem.root) {
    return build_schedule(algorithm, problem, rank);
  }
  Problem opposite = problem;
  const bool sends = problem.collective == Collective::send;
  opposite.collective = sends ? Collective::recv : Collective::send;
  opposite.root = 1 - problem.root;
  const Algorithm* other = find_algorithm(opposite.collective, algorithm.name);
  MOTET_ASSERT(other != nullptr, "send and recv have algorithms of the same names");
  return build_schedule(*other, opposite, rank);
}

// The fold that serves, with its cell's schedules; none: not folded.
struct Cell {
  std::optional<Folding> fold;
  std::vector<Schedule> schedules;
};

Cell find_cell(const Ports& ports, const std::vector<Folding>& folds, Rank root,
               const std::function<Schedule(Rank)>& schedule_of) {
  Cell cell;
  for (const Folding& fold : folds) {
    while (cell.schedules.size() < static_cast<std::size_t>(fold.cell)) {
      cell.schedules.push_back(schedule_of(static_cast<Rank>(cell.schedules.size())));
    }
    if (!is_alike(ports, fold, cell.schedules, root, schedule_of)) continue;
    cell.fold = fold;
    break;
  }
  return cell;
}

BlockRule block_rule(const SimulationOptions& options, std::size_t element_bytes) {
  return {element_bytes, options.block_bytes, options.most_blocks};
}

void check_sizes(const Fabric& fabric, int ranks) {
  if (fabric.world_size() == ranks) return;
  throw Error(ErrorCode::invalid_argument, "simulate: fabric and problem differ in their ranks");
}

}  // namespace

Simulation simulate(const Fabric& fabric, const Algorithm& algorithm, const Problem& problem,
                    const SimulationOptions& options) {
  const int n = problem.world_size();
  check_sizes(fabric, n);
  const Ports ports(fabric);
  const std::vector<Folding> possible = folds(ports);
  const int tie_cell = possible.empty() ? n : possible.front().cell;
  const auto build = [&](Rank rank) { return schedule_of(algorithm, problem, rank); };
  Cell cell;
  if (options.fold && !is_point_to_point(problem.collective)) {
    cell = find_cell(ports, possible, problem.root, build);
  }
  const Folding fold = cell.fold.value_or(Folding{.cell = n});
  WorkloadBuilder builder(ports, fold, block_rule(options, problem.element_bytes),
                          options.pulls_within_nodes_only);
  for (Rank rank = 0; rank < fold.cell; ++rank) {
    const bool known = static_cast<std::size_t>(rank) < cell.schedules.size();
    builder.add(known ? std::exchange(cell.schedules[rank], {}) : build(rank));
  }
  return run(ports, fold, builder.finish(), tie_cell, options);
}

Simulation simulate(const Fabric& fabric, std::span<const Schedule> schedules,
                    std::size_t element_bytes, const SimulationOptions& options) {
  const auto n = static_cast<int>(schedules.size());
  check_sizes(fabric, n);
  const Ports ports(fabric);
  const Folding fold{.cell = n};
  WorkloadBuilder builder(ports, fold, block_rule(options, element_bytes),
                          options.pulls_within_nodes_only);
  for (const Schedule& schedule : schedules) builder.add(schedule);
  return run(ports, fold, builder.finish(), n, options);
}

}  // namespace motet
