#include "sim/search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/error.hpp"

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
    valid += fmt::format("{}{}", valid.empty() ? "" : ", ", algorithm->name);
    const bool wanted = options.algorithm.empty() || options.algorithm == algorithm->name;
    if (wanted) found.push_back(algorithm);
  }
  if (!found.empty()) return found;
  throw motet::Error(motet::ErrorCode::invalid_argument,
                     fmt::format("{}: no algorithm '{}' for this; choose from {}",
                                 motet::name(problem.collective), options.algorithm, valid));
}

// One parameter after the other, from where the others stand.
class Climb {
 public:
  Climb(const motet::Fabric& fabric, const Problem& problem, const motet::SimulationOptions& how,
        Candidate start)
      : fabric_(fabric), problem_(problem), how_(how), best_(std::move(start)) {}

  Candidate best() {
    constexpr std::array chunks{1, 2, 4, 8, 16, 32};
    constexpr std::array channels{1, 2, 4};
    constexpr std::array around{0, 10, 20, 30, 40, 50};
    const motet::Uses& uses = best_.algorithm->uses;
    if (uses.around && problem_.topology.tiers().size() > 2)
      try_all(&Params::around_percent, around);
    if (uses.chunks) try_all(&Params::chunks, chunks);
    if (uses.around && best_.params.chunks > 1 && problem_.topology.tiers().size() > 2) {
      try_all(&Params::around_percent, around);
    }
    if (uses.channels) try_all(&Params::channels, channels);
    return std::move(best_);
  }

 private:
  // Until it gets worse.
  void try_all(int Params::*parameter, std::span<const int> values) {
    for (const int value : values) {
      if (value == best_.params.*parameter) continue;
      Problem problem = problem_;
      problem.params = best_.params;
      problem.params.*parameter = value;
      motet::Simulation result = motet::simulate(fabric_, *best_.algorithm, problem, how_);
      if (result.time < best_.result.time) {
        best_ = {best_.algorithm, problem.params, std::move(result)};
      } else if (result.time > best_.result.time * hopeless) {
        return;
      }
    }
  }

  static constexpr double hopeless = 1.5;

  const motet::Fabric& fabric_;
  const Problem& problem_;
  const motet::SimulationOptions& how_;
  Candidate best_;
};

}  // namespace

Problem problem_for(const Options& options, const motet::Topology& topology, std::size_t bytes) {
  const int n = topology.world_size();
  const std::size_t count = motet_perf::count_for(options.collective, bytes, options.type.bytes, n);
  const bool whole = options.collective.whole != motet_perf::Whole::parts;
  return {.topology = topology,
          .collective = collective_of(options.collective),
          .parts = whole ? motet::Parts::even(count, n) : motet::Parts::uniform(count, n),
          .element_bytes = options.type.bytes,
          .root = options.root,
          .params = options.params.value_or(Params{})};
}

std::vector<Candidate> candidates(const Options& options, const motet::Fabric& fabric,
                                  const Problem& problem) {
  std::vector<Candidate> found;
  motet::Seconds least = motet::Seconds::max();
  for (const Algorithm* algorithm : supporting(options, problem)) {
    Candidate candidate{algorithm, problem.params,
                        motet::simulate(fabric, *algorithm, problem, options.simulation)};
    least = std::min(least, candidate.result.time);
    found.push_back(std::move(candidate));
  }
  if (!options.params) {
    constexpr double tunable = 8;  // no parameter gains more
    for (Candidate& candidate : found) {
      if (candidate.result.time > least * tunable) continue;
      candidate = Climb(fabric, problem, options.simulation, std::move(candidate)).best();
    }
  }
  std::ranges::stable_sort(found, {}, [](const Candidate& c) { return c.result.time; });
  return found;
}

}  // namespace motet_sim
