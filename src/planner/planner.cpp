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

// Up to 64 KiB an exchange is one block: splitting it costs more than overlap gains. Where blocks
// go one way, a receiver has nothing to do until the first has come.
std::size_t block_bytes_for(const Problem& problem) {
  const std::size_t bytes = total_bytes(problem);
  const bool one_way = has_root(problem.collective) || is_point_to_point(problem.collective);
  if (one_way && bytes <= 1024 * kib) return 32 * kib;
  return bytes <= 64 * kib ? 64 * kib : 128 * kib;
}

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
  // Blocks overlap hops within a tier; tiers overlap from some MiB per chunk on.
  if (algorithm.uses.chunks && problem.topology.node_count() > 1) {
    params.chunks = static_cast<int>(std::clamp<std::size_t>(bytes / (4096 * kib), 1, 8));
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
  return fmt::format("{} of {} bytes on {} ranks, {} node(s), {} core(s) per node\n",
                     name(problem.collective), total_bytes(problem), problem.world_size(),
                     problem.topology.node_count(), machine.cores_per_node);
}

std::string line(const Choice& choice, const Choice& best) {
  const Prediction& time = choice.predicted;
  const bool won = choice.algorithm == best.algorithm;
  return fmt::format(
      "{} {:<22} {:>12.2f} us = latency {:.2f} + work {:.2f} + switching {:.2f}; {}\n",
      won ? "->" : "  ", choice.algorithm->name, us(time.total()), us(time.latency), us(time.work),
      us(time.switching), won ? "chosen" : why_lost(time, best.predicted));
}

}  // namespace

Choice Planner::evaluate(const Algorithm& algorithm, const Problem& problem) const {
  Choice choice{.algorithm = &algorithm,
                .params = params_for(algorithm, problem),
                .block_bytes = block_bytes_for(problem),
                .reading = reading_for(problem),
                .predicted = {}};
  Problem candidate = problem;
  candidate.params = choice.params;
  // Only the root of a rooted collective knows whether it works in place; the choice must not
  // depend on it.
  if (has_root(problem.collective)) candidate.in_place = false;
  choice.predicted = predict(algorithm, candidate, choice.block_bytes, machine_, model_);
  return choice;
}

Choice Planner::choose(const Problem& problem, std::string_view hint) const {
  if (!hint.empty()) return evaluate(named(problem, hint), problem);
  Choice best;
  for (const Algorithm* algorithm : algorithms_for(problem.collective)) {
    if (!algorithm->supports(problem)) continue;
    const Choice choice = evaluate(*algorithm, problem);
    const bool faster = choice.predicted.total() < best.predicted.total();
    if (best.algorithm == nullptr || faster) best = choice;
  }
  return best;
}

std::string Planner::explain(const Problem& problem) const {
  std::vector<Choice> choices;
  std::string unsupported;
  for (const Algorithm* algorithm : algorithms_for(problem.collective)) {
    if (algorithm->supports(problem)) {
      choices.push_back(evaluate(*algorithm, problem));
    } else {
      unsupported += fmt::format("   {:<22} does not support this problem\n", algorithm->name);
    }
  }
  std::stable_sort(choices.begin(), choices.end(), [](const Choice& a, const Choice& b) {
    return a.predicted.total() < b.predicted.total();
  });
  std::string text = headline(problem, machine_);
  for (const Choice& choice : choices) text += line(choice, choices.front());
  return text + unsupported;
}

}  // namespace motet
