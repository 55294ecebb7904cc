#include "sim/search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

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

// Between the two ranks that are nearest to each other; nothing where looking would take too long.
motet::Seconds least_latency(const motet::Fabric& fabric) {
  constexpr int most_ranks = 256;
  if (fabric.world_size() > most_ranks || fabric.world_size() < 2) return {};
  motet::Seconds least = motet::Seconds::max();
  for (motet::Rank from = 0; from < fabric.world_size(); ++from) {
    for (motet::Rank to = 0; to < fabric.world_size(); ++to) {
      if (from == to) continue;
      motet::Seconds sum{};
      for (const int hop : fabric.route(from, to)) {
        sum += fabric.class_of(fabric.links()[hop]).latency;
      }
      least = std::min(least, sum);
    }
  }
  return least;
}

// What no parameters make faster: the links of rank 0 have to carry its messages, and as many
// latencies as the algorithm has rounds follow one another.
motet::Seconds least_time(const motet::Fabric& fabric, const Algorithm& algorithm,
                          const Problem& problem, motet::Seconds latency) {
  const motet::Schedule schedule = motet::build_schedule(algorithm, problem, 0);
  std::map<int, motet::Seconds> busy;  // by link
  for (const motet::Step& step : schedule.steps) {
    if (step.is_local()) continue;
    const std::vector<int> route =
        step.sends() ? fabric.route(0, step.peer) : fabric.route(step.peer, 0);
    const int link = step.sends() ? route.front() : route.back();
    busy[link] += fabric.bandwidth(fabric.links()[link])
                      .time(static_cast<double>(step.count() * problem.element_bytes));
  }
  if (busy.empty()) return {};
  const motet::Rounds rounds = algorithm.rounds(problem);
  motet::Seconds least = (rounds.within_nodes + rounds.between_nodes) * latency;
  for (const auto& [link, time] : busy) least = std::max(least, time);
  return least;
}

// One parameter after the other, from where the others stand; each first in large steps, then in
// small ones. Messages are in one piece meanwhile.
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
    const bool around = uses.around;
    if (uses.chunks) multiply(&Params::chunks, 4, most_chunks);
    if (around) add(&Params::around_percent, 20, 60);
    if (around && uses.chunks) multiply(&Params::chunks, 2, most_chunks);
    if (around) add(&Params::around_percent, 10, 60);
    if (uses.channels) multiply(&Params::channels, 2, 4);
    if (!around && uses.chunks) multiply(&Params::chunks, 2, most_chunks);
    return best_;
  }

 private:
  static constexpr int most_chunks = 16;

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

// The better of the candidate and what climbing leads to.
void tune(Candidate& candidate, const motet::Fabric& fabric, Problem problem,
          const Options& options) {
  problem.params = Climb(fabric, problem, options, candidate).best();
  if (problem.params == candidate.params) return;
  motet::Simulation result =
      motet::simulate(fabric, *candidate.algorithm, problem, options.simulation);
  if (result.time >= candidate.result.time) return;
  candidate = {candidate.algorithm, problem.params, std::move(result)};
}

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

Found find_best(const Options& options, const motet::Fabric& fabric, const Problem& problem) {
  const motet::Seconds latency = least_latency(fabric);
  std::vector<Slower> open;
  for (const Algorithm* algorithm : supporting(options, problem)) {
    open.push_back({algorithm, least_time(fabric, *algorithm, problem, latency)});
  }
  std::ranges::stable_sort(open, {}, &Slower::at_least);
  Found found;
  motet::Seconds best = motet::Seconds::max() / 16;
  const double margin = options.show == Show::all ? 4 : 1;
  for (const Slower& next : open) {
    if (next.at_least > best * margin) {
      found.slower.push_back(next);
      continue;
    }
    found.candidates.push_back(
        {next.algorithm, problem.params,
         motet::simulate(fabric, *next.algorithm, problem, options.simulation)});
    best = std::min(best, found.candidates.back().result.time);
  }
  if (!options.params) {
    constexpr double tunable = 4;  // few parameters gain more
    for (Candidate& candidate : found.candidates) {
      if (candidate.result.time > best * tunable) continue;
      tune(candidate, fabric, problem, options);
    }
  }
  const auto place = [](const Candidate& c) { return std::pair(c.result.time, c.algorithm); };
  std::ranges::sort(found.candidates, {}, place);
  return found;
}

}  // namespace motet_sim
