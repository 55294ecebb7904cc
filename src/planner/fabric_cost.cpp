#include "planner/fabric_cost.hpp"

#include <algorithm>
#include <cmath>

#include "simulate/simulate.hpp"

namespace motet {
namespace {

// Ranks whose schedules are looked at: all that the links of the root's group can be asked by, of
// the largest group that is small enough.
std::vector<Rank> sample(const Problem& problem) {
  constexpr std::size_t most = 256;
  const std::vector<Tier>& tiers = problem.topology.tiers();
  for (auto tier = static_cast<int>(tiers.size()) - 1; tier >= 0; --tier) {
    const std::span<const Rank> members =
        problem.topology.members(tier, tiers[tier].group_of[problem.root]);
    if (members.size() <= most) return {members.begin(), members.end()};
  }
  return {problem.root};
}

constexpr int most_chunks = 32;  // more gain less than they cost to plan and to run

}  // namespace

FabricTally::FabricTally(const Algorithm& algorithm, const Problem& problem)
    : fabric_(*problem.fabric),
      element_bytes_(problem.element_bytes),
      chunks_wait_(algorithm.uses.chunks && algorithm.uses.topology) {
  Problem whole = problem;
  whole.params.chunks = 1;
  const Rounds rounds = algorithm.rounds(whole);
  depth_ = std::max(1, rounds.within_nodes + rounds.between_nodes);
  const std::vector<Rank> ranks = sample(whole);
  for (const Rank rank : ranks) add(build_schedule(algorithm, whole, rank), rank);
  all_messages_ *= static_cast<double>(problem.world_size()) / static_cast<double>(ranks.size());
}

void FabricTally::add(const Schedule& schedule, Rank me) {
  Seconds processor{};
  std::vector<int> rounds(schedule.steps.size());
  int latest = 0;  // round in which it has sent
  std::map<int, int> turn_of_round;
  bool is_first_message = true;
  for (std::size_t i = 0; i < schedule.steps.size(); ++i) {
    const Step& step = schedule.steps[i];
    const auto bytes = static_cast<double>(step.count() * element_bytes_);
    processor += fabric_.step_overhead();
    if (step.op == Op::copy) processor += fabric_.copy().time(bytes);
    if (step.op == Op::reduce || step.op == Op::recv_reduce) {
      processor += fabric_.reduce().time(bytes);
    }
    for (const Dependency& before : schedule.dependencies_of(step)) {
      const bool waits = schedule.steps[before.step].receives();
      rounds[i] = std::max(rounds[i], rounds[before.step] + static_cast<int>(waits));
      if (step.sends() && waits && !before.blockwise) goes_on_blockwise_ = false;
    }
    // Ranks are taken to do alike: what comes has been sent in the round in which this one has
    // sent.
    if (step.sends()) latest = std::max(latest, rounds[i]);
    if (step.receives()) rounds[i] = latest;
    if (step.is_local()) continue;
    waits_first_ = waits_first_ || (is_first_message && step.receives());
    is_first_message = false;
    if (!step.sends()) continue;
    const auto [turn, is_new] = turn_of_round.emplace(rounds[i], static_cast<int>(turns_.size()));
    if (is_new) turns_.push_back({rounds[i]});
    add_message(turn->second, me, step);
  }
  processor_ = std::max(processor_, processor);
}

void FabricTally::add_message(int turn, Rank me, const Step& step) {
  const auto bytes = static_cast<double>(step.count() * element_bytes_);
  Message message{.turn = turn, .bytes = bytes, .first_load = routes_.size()};
  for (const int link : fabric_.route(me, step.peer)) {
    const auto [at, is_new] =
        load_at_.emplace(std::pair(turns_[turn].round, link), static_cast<int>(loads_.size()));
    if (is_new) loads_.push_back({.link = link});
    Load& load = loads_[at->second];
    load.bytes += bytes;
    ++load.messages;
    routes_.push_back(at->second);
    message.latency += fabric_.class_of(fabric_.links()[link]).latency;
    message.tier = std::max(message.tier, fabric_.links()[link].tier);
  }
  message.end_load = routes_.size();
  messages_.push_back(message);
  all_messages_ += 1;
  largest_bytes_ = std::max(largest_bytes_, bytes);
}

// All messages together, each in so many pieces.
Seconds FabricTally::occupied(const Load& load, int pieces) const {
  const Link& link = fabric_.links()[load.link];
  const double messages = static_cast<double>(load.messages) * pieces;
  return fabric_.class_of(link).occupied(load.bytes / messages) * messages / link.parallel;
}

// As simulations have them.
int FabricTally::blocks_of(int chunks, std::size_t block_bytes) const {
  constexpr double most = 8;
  const double blocks = std::ceil(largest_bytes_ / chunks / static_cast<double>(block_bytes));
  return static_cast<int>(std::clamp(blocks, 1.0, most));
}

// Trees cross a tier as often as it takes doublings to reach its groups; lines pass rank by rank.
FabricTally::Way FabricTally::deepest(int pieces) const {
  struct Mean {
    Seconds latency{}, moving{};
    int count = 0;
  };
  std::map<int, Mean> tiers;
  for (const Message& message : messages_) {
    Seconds slowest{};
    for (std::size_t i = message.first_load; i < message.end_load; ++i) {
      slowest = std::max(slowest, occupied({loads_[routes_[i]].link, message.bytes, 1}, pieces));
    }
    Mean& mean = tiers[message.tier];
    mean.latency += message.latency;
    mean.moving += slowest / pieces;
    ++mean.count;
  }
  const Topology& topology = fabric_.topology();
  const bool is_line = 2 * depth_ >= topology.world_size();
  Way way;
  double all = 0;
  for (const auto& [tier, mean] : tiers) {
    const double groups =
        static_cast<double>(topology.members(tier, 0).size()) /
        (tier == 0 ? 1.0 : static_cast<double>(topology.members(tier - 1, 0).size()));
    const double share = is_line ? mean.count : std::max(0.1, std::log2(groups));
    way.latency += share * (mean.latency / mean.count);
    way.moving += share * (mean.moving / mean.count);
    all += share;
  }
  return {way.latency * (depth_ / all), way.moving * (depth_ / all)};
}

Prediction FabricTally::price(int chunks, std::size_t block_bytes) const {
  if (messages_.empty()) return {.work = processor_};
  const int blocks = blocks_of(chunks, block_bytes);
  const int pieces = chunks * (goes_on_blockwise_ ? blocks : 1);
  std::vector<Seconds> load_times;
  std::map<int, Seconds> busy;  // by link
  for (const Load& load : loads_) {
    load_times.push_back(occupied(load, pieces));
    busy[load.link] += load_times.back();
  }
  Seconds steady{};
  for (const auto& [link, time] : busy) steady = std::max(steady, time);

  // What a rank's first piece takes in each round, and a mean message.
  std::vector<Seconds> turns(turns_.size()), latencies(turns_.size());
  for (const Message& message : messages_) {
    Seconds slowest{};
    for (std::size_t i = message.first_load; i < message.end_load; ++i) {
      slowest = std::max(slowest, load_times[routes_[i]] / pieces);
    }
    turns[message.turn] = std::max(turns[message.turn], message.latency + slowest);
    latencies[message.turn] = std::max(latencies[message.turn], message.latency);
  }
  struct Mean {
    Seconds sum{}, latency{};
    int count = 0;
  };
  std::map<int, Mean> rounds;
  for (std::size_t turn = 0; turn < turns.size(); ++turn) {
    Mean& mean = rounds[turns_[turn].round];
    mean.sum += turns[turn];
    mean.latency += latencies[turn];
    ++mean.count;
  }
  Seconds through{}, longest{};
  Prediction time;
  for (const auto& [round, mean] : rounds) {
    through += mean.sum / mean.count;
    longest = std::max(longest, mean.sum / mean.count);
    time.latency += mean.latency / mean.count;
  }
  // Who begins by receiving is late by the messages before it.
  if (waits_first_) {
    const Way way = deepest(pieces);
    through = std::max(through, way.latency + way.moving);
    time.latency = std::max(time.latency, way.latency);
  }
  const Seconds of_chunk = steady / chunks;
  const Seconds interval = chunks_wait_ ? std::max(of_chunk, longest) : of_chunk;
  Seconds total = through + (chunks - 1) * interval + of_chunk * (1 - chunks / double(pieces));
  total = std::max(total, processor_) + std::min(total, processor_) / (chunks * blocks);
  time.latency = std::min(time.latency, total);
  time.work = total - time.latency;
  return time;
}

ClosedForm::ClosedForm(const Algorithm& algorithm, const Problem& problem, std::size_t block_bytes)
    : block_bytes_(block_bytes) {
  Problem candidate = problem;
  const auto try_percent = [&](int percent) {
    candidate.params.around_percent = percent;
    look_at(algorithm, candidate);
  };
  try_percent(0);
  // Only a tier between the innermost and the outermost can be gone around.
  if (!algorithm.uses.around || problem.topology.tiers().size() < 3) return;
  for (int percent = 10; percent <= 60; percent += 10) try_percent(percent);
  for (const int step : {5, 2}) {
    const int middle = plan_.params.around_percent;
    if (middle == 0) break;
    try_percent(middle - step);
    try_percent(middle + step);
  }
}

void ClosedForm::look_at(const Algorithm& algorithm, const Problem& problem) {
  if (!algorithm.supports(problem)) return;
  constexpr double beyond_rounding = 1 - 1e-9;
  const FabricTally tally(algorithm, problem);
  for (int chunks = 1; chunks <= most_chunks; chunks *= 2) {
    const Prediction predicted = tally.price(chunks, block_bytes_);
    const bool is_first = messages_ == 0;
    if (is_first || predicted.total() < plan_.predicted.total() * beyond_rounding) {
      plan_.params = problem.params;
      plan_.params.chunks = chunks;
      plan_.predicted = predicted;
      messages_ = std::max(1.0, tally.messages() * chunks);
    }
    if (!algorithm.uses.chunks) return;
  }
}

FabricPlan plan_on_fabric(const Algorithm& algorithm, const Problem& problem,
                          std::size_t block_bytes) {
  constexpr double affordable = 4000;  // messages: some ten milliseconds
  const ClosedForm form(algorithm, problem, block_bytes);
  FabricPlan plan = form.best();
  if (form.messages() > affordable) return plan;
  Problem tuned = problem;
  tuned.params = plan.params;
  const SimulationOptions how{.block_bytes = block_bytes, .most_blocks = 8};
  const Seconds time = simulate(*problem.fabric, algorithm, tuned, how).time;
  plan.predicted.latency = std::min(plan.predicted.latency, time);
  plan.predicted.work = time - plan.predicted.latency;
  plan.is_simulated = true;
  return plan;
}

}  // namespace motet
