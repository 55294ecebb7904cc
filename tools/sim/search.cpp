#include "sim/search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "algorithms/forest.hpp"
#include "base/error.hpp"
#include "planner/fabric_plan.hpp"

namespace motet_sim {
namespace {

using motet::Algorithm;
using motet::Params;
using motet::Problem;

motet::Collective collective_of(const motet_perf::CollectiveRow& row) {
  for (int i = 0; i < motet::collective_count; ++i) {
    const auto collective = static_cast<motet::Collective>(i);
    if (motet::name(collective) == row.name) return collective;
  }
  throw std::invalid_argument("no collective " + std::string(row.name));
}

std::vector<const Algorithm*> supporting(const Options& options, const Problem& problem) {
  std::vector<const Algorithm*> found;
  std::string valid;
  for (const Algorithm* algorithm : motet::algorithms_for(problem.collective)) {
    if (!algorithm->supports(problem)) continue;
    // Packing the trees of more ranks takes seconds to a minute.
    constexpr int most_ranks = 64;
    const bool is_slow = algorithm->uses.trees && motet::forest_ranks(problem) > most_ranks;
    if (is_slow && options.algorithm.empty()) continue;
    valid += fmt::format("{}{}", valid.empty() ? "" : ", ", algorithm->name);
    const bool wanted = options.algorithm.empty() || options.algorithm == algorithm->name;
    if (wanted) found.push_back(algorithm);
  }
  if (!found.empty()) return found;
  throw motet::Error(motet::ErrorCode::invalid_argument,
                     fmt::format("{}: no algorithm '{}' for this; choose from {}",
                                 motet::name(problem.collective), options.algorithm, valid));
}

// One parameter after the other, from where the others stand; in large steps first.
// Messages are in one piece meanwhile.
class Climb {
 public:
  Climb(const motet::Fabric& fabric, const Problem& problem, const Options& options,
        const Candidate& start)
      : fabric_(fabric),
        problem_(problem),
        how_(options.simulation),
        algorithm_(*start.algorithm),
        best_(start.params) {
    how_.block_bytes = 0;
    time_ = time(best_);
  }

  Params best() {
    const motet::Uses& uses = algorithm_.uses;
    if (uses.chunks) multiply(&Params::chunks, 4, motet::most_chunks);
    if (uses.around) add(&Params::around_percent, 10, 60);
    if (uses.chunks) multiply(&Params::chunks, 2, motet::most_chunks);
    if (uses.around) add(&Params::around_percent, 5, 60);
    if (uses.around) add(&Params::around_percent, 2, 60);
    if (uses.channels) multiply(&Params::channels, 2, 4);
    return best_;
  }

 private:
  motet::Seconds time(const Params& params) const {
    Problem problem = problem_;
    problem.params = params;
    if (!algorithm_.supports(problem)) return motet::Seconds::max();
    return motet::simulate(fabric_, algorithm_, problem, how_).time;
  }
  bool improves(int Params::*parameter, int value) {
    Params params = best_;
    params.*parameter = value;
    const motet::Seconds its = time(params);
    if (its >= time_) return false;
    best_ = params;
    time_ = its;
    return true;
  }
  // Up as long as that helps, else down.
  void multiply(int Params::*parameter, int factor, int most) {
    const int start = best_.*parameter;
    int value = start;
    while (value * factor <= most && improves(parameter, value * factor)) value *= factor;
    if (value > start) return;
    while (value / factor >= 1 && improves(parameter, value / factor)) value /= factor;
  }
  void add(int Params::*parameter, int step, int most) {
    const int start = best_.*parameter;
    int value = start;
    while (value + step <= most && improves(parameter, value + step)) value += step;
    if (value > start) return;
    while (value - step >= 0 && improves(parameter, value - step)) value -= step;
  }

  const motet::Fabric& fabric_;
  const Problem& problem_;
  motet::SimulationOptions how_;
  const Algorithm& algorithm_;
  Params best_;
  motet::Seconds time_{};
};

// Messages of a simulation that is repeated for other parameters: some tenths of a second.
constexpr std::uint64_t climbable = 100'000;

// By the planner's closed form, which knows good parameters unless they are given.
motet::FabricPlan expect(const Options& options, const Algorithm& algorithm,
                         const Problem& problem) {
  const std::size_t block =
      options.simulation.block_bytes > 0 ? options.simulation.block_bytes : std::size_t{1} << 62U;
  if (!options.params) return motet::plan_on_fabric(algorithm, problem, block);
  const motet::FabricTally tally(algorithm, problem);
  return {.params = problem.params, .predicted = tally.price(problem.params.chunks, block)};
}

// Chunks are pieces already.
motet::Simulation simulate(const Options& options, const motet::Fabric& fabric,
                           const Algorithm& algorithm, const Problem& problem) {
  motet::SimulationOptions how = options.simulation;
  if (how.most_blocks > 0) how.most_blocks = motet::most_blocks(problem.params.chunks);
  return motet::simulate(fabric, algorithm, problem, how);
}

// The better of the candidate and what climbing leads to.
void tune(Candidate& candidate, const motet::Fabric& fabric, Problem problem,
          const Options& options) {
  problem.params = Climb(fabric, problem, options, candidate).best();
  if (problem.params == candidate.params) return;
  motet::Simulation result = simulate(options, fabric, *candidate.algorithm, problem);
  if (result.time >= candidate.result.time) return;
  candidate = {candidate.algorithm, problem.params, std::move(result)};
}

}  // namespace

Problem problem_for(const Options& options, const motet::Fabric& fabric, std::size_t bytes) {
  const int n = fabric.world_size();
  const std::size_t count = motet_perf::count_for(options.collective, bytes, options.type.bytes, n);
  const bool whole = options.collective.whole != motet_perf::Whole::parts;
  return {.topology = fabric.topology(),
          .collective = collective_of(options.collective),
          .parts = whole ? motet::Parts::even(count, n) : motet::Parts::uniform(count, n),
          .element_bytes = options.type.bytes,
          .root = options.root,
          .params = options.params.value_or(Params{}),
          .fabric = &fabric};
}

Found find_best(const Options& options, const motet::Fabric& fabric, const Problem& problem) {
  struct Expected {
    const Algorithm* algorithm;
    motet::FabricPlan plan;
  };
  std::vector<Expected> open;
  for (const Algorithm* algorithm : supporting(options, problem)) {
    open.push_back({algorithm, expect(options, *algorithm, problem)});
  }
  const auto expected_time = [](const Expected& e) { return e.plan.predicted.total(); };
  std::ranges::stable_sort(open, {}, expected_time);
  Found found;
  motet::Seconds best = motet::Seconds::max() / 16;
  const double margin = options.show == Show::all ? 4 : 2;
  for (const auto& [algorithm, plan] : open) {
    if (plan.predicted.total() > best * margin) {
      found.slower.push_back({algorithm, plan.predicted.total()});
      continue;
    }
    Problem tuned = problem;
    tuned.params = plan.params;
    Candidate candidate{algorithm, plan.params, simulate(options, fabric, *algorithm, tuned)};
    constexpr double tunable = 2;  // few parameters gain more
    const bool may_gain = !options.params && candidate.result.time <= best * tunable;
    if (may_gain && candidate.result.messages <= climbable) {
      tune(candidate, fabric, problem, options);
    }
    best = std::min(best, candidate.result.time);
    found.candidates.push_back(std::move(candidate));
  }
  const auto place = [](const Candidate& c) { return std::pair(c.result.time, c.algorithm); };
  std::ranges::sort(found.candidates, {}, place);
  return found;
}

}  // namespace motet_sim
