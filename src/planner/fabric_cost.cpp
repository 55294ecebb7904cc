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

struct MeanTime {
  Seconds time{}, latency{};  // the former with the latter
  int count = 0;

  void add(Seconds its_time, Seconds its_latency) {
    time += its_time;
    latency += its_latency;
    ++count;
  }
};

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
    const auto next = static_cast<int>(round_of_turn_.size());
    const auto [turn, is_new] = turn_of_round.emplace(rounds[i], next);
    if (is_new) round_of_turn_.push_back(rounds[i]);
    add_message(turn->second, me, step);
  }
  processor_ = std::max(processor_, processor);
}

void FabricTally::add_message(int turn, Rank me, const Step& step) {
  const auto bytes = static_cast<double>(step.count() * element_bytes_);
  Message message{.turn = turn, .bytes = bytes, .first_load = routes_.size()};
  for (const int link : fabric_.route(me, step.peer)) {
    const auto [at, is_new] =
        load_at_.emplace(std::pair(round_of_turn_[turn], link), static_cast<int>(loads_.size()));
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

// Of each round what a rank's slowest message takes, in the mean over ranks: where some have a
// longer way than others, what is passed on goes now this way and now that.
FabricTally::Way FabricTally::through_rounds(const std::vector<Seconds>& load_times) const {
  std::vector<MeanTime> turns(round_of_turn_.size());
  for (const Message& message : messages_) {
    Seconds slowest{};
    for (std::size_t i = message.first_load; i < message.end_load; ++i) {
      slowest = std::max(slowest, load_times[routes_[i]]);
    }
    MeanTime& turn = turns[message.turn];
    turn.time = std::max(turn.time, message.latency + slowest);
    turn.latency = std::max(turn.latency, message.latency);
  }
  std::map<int, MeanTime> rounds;
  for (std::size_t turn = 0; turn < turns.size(); ++turn) {
    rounds[round_of_turn_[turn]].add(turns[turn].time, turns[turn].latency);
  }
  Way way;
  for (const auto& [round, mean] : rounds) {
    const Seconds time = mean.time / mean.count;
    way.latency += mean.latency / mean.count;
    way.moving += time - mean.latency / mean.count;
    way.longest_round = std::max(way.longest_round, time);
  }
  return way;
}

// Trees cross a tier as often as it takes doublings to reach its groups; lines pass rank by rank.
FabricTally::Way FabricTally::hop_by_hop(int pieces) const {
  std::map<int, MeanTime> tiers;
  for (const Message& message : messages_) {
    Seconds slowest{};
    for (std::size_t i = message.first_load; i < message.end_load; ++i) {
      slowest = std::max(slowest, occupied({loads_[routes_[i]].link, message.bytes, 1}, pieces));
    }
    tiers[message.tier].add(message.latency + slowest / pieces, message.latency);
  }
  const Topology& topology = fabric_.topology();
  const bool is_line = 2 * depth_ >= topology.world_size();
  const auto members = [&](int tier) {
    return tier < 0 ? 1.0 : static_cast<double>(topology.members(tier, 0).size());
  };
  Way way;
  double shares = 0;
  for (const auto& [tier, mean] : tiers) {
    constexpr double least = 0.1;  // it is crossed, after all
    const double doublings_there = std::log2(members(tier) / members(tier - 1));
    const double share = is_line ? mean.count : std::max(least, doublings_there);
    way.latency += share * (mean.latency / mean.count);
    way.moving += share * ((mean.time - mean.latency) / mean.count);
    shares += share;
  }
  return {way.latency * (depth_ / shares), way.moving * (depth_ / shares)};
}

Prediction FabricTally::price(int chunks, std::size_t block_bytes) const {
  if (messages_.empty()) return {.work = processor_};
  const int blocks = blocks_of(chunks, block_bytes);
  const int pieces = chunks * (goes_on_blockwise_ ? blocks : 1);
  std::vector<Seconds> load_times;  // of one piece
  std::map<int, Seconds> busy;      // by link, with all
  for (const Load& load : loads_) {
    const Seconds time = occupied(load, pieces);
    load_times.push_back(time / pieces);
    busy[load.link] += time;
  }
  Seconds busiest{};
  for (const auto& [link, time] : busy) busiest = std::max(busiest, time);

  Way way = through_rounds(load_times);
  const Seconds longest_round = way.longest_round;
  // Who begins by receiving is late by the messages before it.
  if (waits_first_) {
    const Way hops = hop_by_hop(pieces);
    if (hops.time() > way.time()) way = hops;
  }
  const Seconds of_chunk = busiest / chunks;
  const Seconds interval = chunks_wait_ ? std::max(of_chunk, longest_round) : of_chunk;
  const double blocks_per_chunk = static_cast<double>(pieces) / chunks;
  const Seconds links =
      way.time() + (chunks - 1) * interval + of_chunk * (1 - 1 / blocks_per_chunk);
  const Seconds total =
      std::max(links, processor_) + std::min(links, processor_) / (chunks * blocks);
  return {.latency = way.latency, .work = total - way.latency};
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
