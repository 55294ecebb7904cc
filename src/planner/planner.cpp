#include "planner/planner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "algorithms/forest.hpp"
#include "base/error.hpp"
#include "planner/fabric_plan.hpp"
#include "planner/least_time.hpp"

namespace motet {

namespace {

constexpr std::size_t kib = 1024;

// Longer ones first: they win a tie. One block where an exchange keeps both ends busy, shorter ones
// where a receiver has nothing to do until the first has come: the price tells.
constexpr std::size_t block_sizes[] = {128 * kib, 64 * kib, 32 * kib};
// A block and its header over TCP make packets of 64 KiB at most: without this room the last one
// has a few bytes only, and so many more packets take 1.1 to 1.6 times as long over loopback.
constexpr std::size_t header_room = kib;

// Of the chunks in which tiers work at the same time: from some milliseconds of the network on.
std::size_t chunk_bytes(std::optional<Bandwidth> nic) {
  constexpr std::size_t least = 256 * kib, usual = 3072 * kib;
  constexpr Seconds worth_a_chunk(0.002);
  if (!nic) return usual;
  const double bytes = nic->bytes_per_second * worth_a_chunk.count();
  return static_cast<std::size_t>(std::clamp<double>(bytes, least, usual));
}

Params params_for(const Algorithm& algorithm, const Problem& problem,
                  std::optional<Bandwidth> nic) {
  const std::size_t bytes = total_bytes(problem);
  Params params;
  // From here on a copy costs more than the announcement that saves it.
  if (algorithm.uses.mover && bytes >= 64 * kib) params.mover = Mover::receiver;
  // Blocks overlap hops within a tier. A fabric says more (fabric_plan.hpp).
  if (algorithm.uses.chunks && problem.topology.node_count() > 1) {
    const std::size_t most = algorithm.uses.topology ? 32 : 8;  // a ring's are of each share
    params.chunks = static_cast<int>(std::clamp<std::size_t>(bytes / chunk_bytes(nic), 1, most));
  }
  return params;
}

// Only the root of a rooted collective knows whether it works in place; the choice must not depend
// on it. Broadcasts mostly do.
Problem agreed(const Problem& problem) {
  Problem same = problem;
  if (has_root(problem.collective)) same.in_place = problem.collective == Collective::broadcast;
  return same;
}

bool uses_network(const Problem& problem, const Machine& machine) {
  const bool between = problem.topology.node_count() > 1;
  return (between ? machine.between_nodes : machine.within_nodes) == TransportClass::network;
}

// By so much all blocks are shorter.
std::size_t room(const Problem& problem, const Machine& machine) {
  return uses_network(problem, machine) ? header_room : 0;
}

bool is_on_fabric(const Problem& problem) {
  return problem.fabric != nullptr && problem.world_size() > 1 &&
         !is_point_to_point(problem.collective);
}

// Those that are considered; on a fabric those of few rounds first.
std::vector<const Algorithm*> candidates(const Problem& problem) {
  std::vector<const Algorithm*> found;
  for (const Algorithm* algorithm : algorithms_for(problem.collective)) {
    if (algorithm->supports(problem) && is_quickly_built(*algorithm, problem)) {
      found.push_back(algorithm);
    }
  }
  if (is_on_fabric(problem)) {
    std::ranges::stable_sort(found, {},
                             [&](const Algorithm* a) { return least_latency(*a, problem); });
  }
  return found;
}

std::string valid_names(const Problem& problem) {
  std::string names;
  for (const Algorithm* algorithm : algorithms_for(problem.collective)) {
    if (!algorithm->supports(problem)) continue;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", algorithm->name);
  }
  return names;
}

const Algorithm& named(const Problem& problem, std::string_view hint) {
  const Algorithm* algorithm = find_algorithm(problem.collective, hint);
  if (algorithm != nullptr && algorithm->supports(problem)) return *algorithm;
  throw Error(ErrorCode::invalid_argument,
              fmt::format("{}: algorithm \"{}\" {}; valid here: {}", name(problem.collective), hint,
                          algorithm == nullptr ? "does not exist" : "does not support this problem",
                          valid_names(problem)));
}

std::optional<Seconds> measured_time(const Tuning& tuning, const Machine& machine,
                                     const Algorithm& algorithm, const Problem& problem) {
  for (const Measured& row : tuning.measured) {
    if (row.algorithm == algorithm.name && row.where.covers(problem, machine)) return row.time;
  }
  return std::nullopt;
}

}  // namespace

// Reading saves one of two copies and costs system calls that look up every page. Mostly it pays
// when what all ranks write no longer fits into the cache that they share, and not where memory is
// the limit anyway (decision 0007).
Reading reading_for(const Problem& problem) {
  const bool gathers = problem.collective == Collective::allgather;
  if (!gathers && problem.collective != Collective::alltoall) return Reading::never;
  const std::size_t bytes = total_bytes(problem);
  if (bytes < 1024 * kib) return Reading::never;
  const std::size_t written = bytes * static_cast<std::size_t>(problem.world_size());
  const bool pays = written >= 8192 * kib && (gathers || written < 16384 * kib);
  return pays ? Reading::likely : Reading::perhaps;
}

bool is_quickly_built(const Algorithm& algorithm, const Problem& problem) {
  constexpr int most_ranks = 16;
  return !algorithm.uses.trees || forest_ranks(problem) <= most_ranks;
}

Choice Planner::blank(const Algorithm& algorithm, const Problem& problem,
                      const Params& params) const {
  return {.algorithm = &algorithm,
          .params = params,
          .block_bytes = block_sizes[0] - room(problem, machine_),
          .reading = reading_for(problem),
          .predicted = {},
          .measured = measured_time(tuning_, machine_, algorithm, problem)};
}

Choice Planner::consider(const Algorithm& algorithm, const Problem& problem, DataType type) const {
  const Params params = params_for(algorithm, problem, nic_of(problem, machine_, tuning_.model));
  if (!is_on_fabric(problem)) return consider_with(algorithm, problem, params, type);
  Problem start = agreed(problem);
  start.params = params;
  Choice choice = blank(algorithm, problem, params);
  const FabricPlan plan = plan_on_fabric(algorithm, start, choice.block_bytes);
  choice.params = plan.params;
  choice.predicted = plan.predicted;
  if (shares_cores(problem, machine_)) {
    // A fabric says little of processors, which may take longer than the links: both work at once.
    start.params = plan.params;
    const Prediction time =
        predict(algorithm, start, choice.block_bytes, machine_, tuning_.model.for_type(type));
    const Seconds processors = time.work + time.switching;
    choice.predicted.work = std::max(choice.predicted.work, processors - choice.predicted.latency);
  }
  return choice;
}

Choice Planner::consider_with(const Algorithm& algorithm, const Problem& problem,
                              const Params& params, DataType type) const {
  Choice choice = blank(algorithm, problem, params);
  if (problem.world_size() == 1) return choice;
  Problem candidate = agreed(problem);
  candidate.params = choice.params;
  if (is_on_fabric(problem)) {
    choice.predicted = FabricTally(algorithm, candidate).price(params.chunks, choice.block_bytes);
    return choice;
  }
  // Both ends of a message cut it alike, as suits a receiver; neither knows here who the other is.
  if (is_point_to_point(problem.collective)) candidate.root = 0;
  const bool is_send = problem.collective == Collective::send;
  if (is_send) candidate.collective = Collective::recv;
  const Tally tally(is_send ? *find_algorithm(Collective::recv, algorithm.name) : algorithm,
                    candidate);
  const CostModel model = tuning_.model.for_type(type);
  const auto nic = nic_of(candidate, machine_, model);
  const bool passes_nics = nic && !is_point_to_point(candidate.collective);
  const Seconds on_nics =
      passes_nics ? busiest_nic(algorithm, candidate).on(*nic, params.chunks) : Seconds{};
  for (const std::size_t size : block_sizes) {
    const std::size_t block_bytes = size - room(problem, machine_);
    Prediction predicted = tally.price(block_bytes, machine_, model);
    predicted.work = std::max(predicted.work, on_nics);
    if (choice.predicted.total() > Seconds() && predicted.total() >= choice.predicted.total()) {
      continue;
    }
    choice.block_bytes = block_bytes;
    choice.predicted = predicted;
  }
  return choice;
}

// The last one: who adds a line to a file means it.
const Preference* Planner::preference(const Problem& problem) const {
  const auto& all = tuning_.preferences;
  const auto found = std::find_if(all.rbegin(), all.rend(), [&](const Preference& preference) {
    if (!preference.where.covers(problem, machine_)) return false;
    Problem asked = problem;
    asked.params = preference.params.value_or(Params{});
    return find_algorithm(problem.collective, preference.algorithm)->supports(asked);
  });
  return found == all.rend() ? nullptr : &*found;
}

Choice Planner::choose(const Problem& problem, Hint hint) const {
  if (!hint.algorithm.empty()) {
    return consider(named(problem, hint.algorithm), problem, hint.type);
  }
  if (const Preference* preferred = preference(problem)) {
    const Algorithm& algorithm = *find_algorithm(problem.collective, preferred->algorithm);
    if (!preferred->params) return consider(algorithm, problem, hint.type);
    Params params = *preferred->params;
    params.mover = params_for(algorithm, problem, {}).mover;
    return consider_with(algorithm, problem, params, hint.type);
  }
  Choice best;
  for (const Algorithm* algorithm : candidates(problem)) {
    // Thousands of rounds take long to look at.
    const bool is_late = best.algorithm != nullptr && is_on_fabric(problem) &&
                         least_latency(*algorithm, problem) > best.predicted.total();
    if (is_late) continue;
    Choice choice = consider(*algorithm, problem, hint.type);
    // The earlier one in the list of algorithms wins a tie.
    const bool faster = choice.predicted.is_shorter_than(best.predicted);
    if (best.algorithm == nullptr || faster) best = choice;
  }
  return best;
}

Expectation Planner::expect(const Problem& problem, Hint hint) const {
  return {choose(problem, hint), least_time(problem, machine_, tuning_.model)};
}

}  // namespace motet
