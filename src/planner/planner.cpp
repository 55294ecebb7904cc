#include "planner/planner.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"

namespace motet {

namespace {

constexpr std::size_t kib = 1024;

std::size_t total_bytes(const Problem& problem) {
  return problem.parts.total() * problem.element_bytes;
}

// Sums in another order are a tie, which the earlier one in the list of algorithms wins.
constexpr double beyond_rounding = 1 - 1e-9;

// Longer ones first: they win a tie. One block where an exchange keeps both ends busy, shorter ones
// where a receiver has nothing to do until the first has come: the price tells.
constexpr std::size_t block_sizes[] = {128 * kib, 64 * kib, 32 * kib};

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

Params params_for(const Algorithm& algorithm, const Problem& problem) {
  const std::size_t bytes = total_bytes(problem);
  Params params;
  // From here on a copy costs more than the announcement that saves it.
  if (algorithm.uses.mover && bytes >= 64 * kib) params.mover = Mover::receiver;
  // Blocks overlap hops within a tier; tiers overlap from some MiB per chunk on: simulated, 102 MB
  // on 1,024 chips take 1.10 x the bound in 32 chunks.
  if (algorithm.uses.chunks && problem.topology.node_count() > 1) {
    const std::size_t most = algorithm.uses.topology ? 32 : 8;  // a ring's are of each share
    params.chunks = static_cast<int>(std::clamp<std::size_t>(bytes / (3072 * kib), 1, most));
  }
  return params;
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

double us(Seconds time) {
  return time.count() * 1e6;
}

// What the loser has most more of than the winner.
std::string why_lost(const Prediction& loser, const Prediction& winner) {
  const Seconds latency = loser.latency - winner.latency;
  const Seconds work = loser.work - winner.work;
  const Seconds switching = loser.switching - winner.switching;
  if (loser.total() <= winner.total()) return "as fast, but later in the list";
  const Seconds most = std::max({latency, work, switching});
  if (most == work) return fmt::format("{:.2f} us more copying, reducing and messages", us(work));
  if (most == latency) return fmt::format("{:.2f} us more latency: more rounds", us(latency));
  return fmt::format("{:.2f} us more switching between ranks that share a core", us(switching));
}

std::string headline(const Problem& problem, const Machine& machine) {
  const std::string cores =
      machine.nodes_sharing > 1
          ? fmt::format("{} core(s) for {} nodes", machine.cores_per_node, machine.nodes_sharing)
          : fmt::format("{} core(s) per node", machine.cores_per_node);
  return fmt::format("{} of {} bytes on {} ranks, {} node(s), {}\n", name(problem.collective),
                     total_bytes(problem), problem.world_size(), problem.topology.node_count(),
                     cores);
}

std::string parameters(const Choice& choice) {
  std::string text = fmt::format("blocks of {} KiB", choice.block_bytes / kib);
  const Uses& uses = choice.algorithm->uses;
  if (uses.chunks) text += fmt::format(", chunks {}", choice.params.chunks);
  if (uses.channels) text += fmt::format(", channels {}", choice.params.channels);
  if (uses.around && choice.params.around_percent > 0) {
    text += fmt::format(", around {} %", choice.params.around_percent);
  }
  return text;
}

std::string line(const Choice& choice, const Choice& best, bool is_preferred) {
  const Prediction& time = choice.predicted;
  const bool won = choice.algorithm == best.algorithm;
  const std::string measured =
      choice.measured ? fmt::format(", measured {:.2f}", us(*choice.measured)) : "";
  const std::string why = !won            ? why_lost(time, best.predicted)
                          : !is_preferred ? "chosen, " + parameters(choice)
                                          : "preferred by the tuning, " + parameters(choice);
  return fmt::format(
      "{} {:<22} {:>12.2f} us = latency {:.2f} + work {:.2f} + switching {:.2f}{}; {}\n",
      won ? "->" : "  ", choice.algorithm->name, us(time.total()), us(time.latency), us(time.work),
      us(time.switching), measured, why);
}

std::optional<Seconds> measured_time(const Tuning& tuning, const Machine& machine,
                                     const Algorithm& algorithm, const Problem& problem) {
  for (const Measured& row : tuning.measured) {
    if (row.algorithm == algorithm.name && row.where.covers(problem, machine)) return row.time;
  }
  return std::nullopt;
}

}  // namespace

Choice Planner::consider(const Algorithm& algorithm, const Problem& problem, DataType type) const {
  return consider_with(algorithm, problem, params_for(algorithm, problem), type);
}

Choice Planner::consider_with(const Algorithm& algorithm, const Problem& problem,
                              const Params& params, DataType type) const {
  Choice choice{.algorithm = &algorithm,
                .params = params,
                .block_bytes = block_sizes[0],
                .reading = reading_for(problem),
                .predicted = {},
                .measured = measured_time(tuning_, machine_, algorithm, problem)};
  if (problem.world_size() == 1) return choice;
  Problem candidate = problem;
  candidate.params = choice.params;
  // Only the root of a rooted collective knows whether it works in place; the choice must not
  // depend on it. Broadcasts mostly do.
  if (has_root(problem.collective)) {
    candidate.in_place = problem.collective == Collective::broadcast;
  }
  // Both ends of a message cut it alike, as suits a receiver; neither knows here who the other is.
  if (is_point_to_point(problem.collective)) candidate.root = 0;
  const bool is_send = problem.collective == Collective::send;
  if (is_send) candidate.collective = Collective::recv;
  const Tally tally(is_send ? *find_algorithm(Collective::recv, algorithm.name) : algorithm,
                    candidate);
  const CostModel model = tuning_.model.for_type(type);
  for (const std::size_t block_bytes : block_sizes) {
    const Prediction predicted = tally.price(block_bytes, machine_, model);
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
    Params params = params_for(algorithm, problem);
    if (preferred->params) {
      const Mover mover = params.mover;
      params = *preferred->params;
      params.mover = mover;
    }
    return consider_with(algorithm, problem, params, hint.type);
  }
  Choice best;
  for (const Algorithm* algorithm : algorithms_for(problem.collective)) {
    if (!algorithm->supports(problem)) continue;
    Choice choice = consider(*algorithm, problem, hint.type);
    const bool faster = choice.predicted.total() < beyond_rounding * best.predicted.total();
    if (best.algorithm == nullptr || faster) best = choice;
  }
  return best;
}

std::string Planner::explain(const Problem& problem, DataType type) const {
  const Choice best = choose(problem, {.algorithm = {}, .type = type});
  std::vector<Choice> others;
  std::string unsupported;
  for (const Algorithm* algorithm : algorithms_for(problem.collective)) {
    if (algorithm == best.algorithm) continue;
    if (algorithm->supports(problem)) {
      others.push_back(consider(*algorithm, problem, type));
    } else {
      unsupported += fmt::format("   {:<22} does not support this problem\n", algorithm->name);
    }
  }
  std::stable_sort(others.begin(), others.end(), [](const Choice& a, const Choice& b) {
    return a.predicted.total() < b.predicted.total();
  });
  std::string text = headline(problem, machine_);
  text += line(best, best, preference(problem) != nullptr);
  for (const Choice& choice : others) text += line(choice, best, false);
  return text + unsupported;
}

}  // namespace motet
