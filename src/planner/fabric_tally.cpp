#include "planner/fabric_tally.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>

namespace motet {
namespace {

// Ranks whose schedules are looked at: the largest group of the root's that is small enough for
// planning to take no longer than some tenths of a second.
std::vector<Rank> sample(const Problem& problem) {
  constexpr std::size_t most_pairs = 65536;  // all of 256 ranks, 16 of 4,096
  const auto n = static_cast<std::size_t>(problem.world_size());
  const std::size_t most = std::max<std::size_t>(1, most_pairs / n);
  const std::vector<Tier>& tiers = problem.topology.tiers();
  std::vector<Rank> ranks;
  for (auto tier = static_cast<int>(tiers.size()) - 1; tier >= 0; --tier) {
    const std::span<const Rank> members =
        problem.topology.members(tier, tiers[tier].group_of[problem.root]);
    ranks.assign(members.begin(), members.end());
    if (ranks.size() <= most) return ranks;
  }
  // The innermost is too large: the root and some others of it.
  std::erase(ranks, problem.root);
  ranks.resize(most - 1);
  ranks.insert(std::ranges::lower_bound(ranks, problem.root), problem.root);
  return ranks;
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

}  // namespace

FabricTally::FabricTally(const Algorithm& algorithm, const Problem& problem)
    : fabric_(*problem.fabric),
      element_bytes_(problem.element_bytes),
      is_rooted_(has_root(problem.collective)),
      chunks_wait_(algorithm.uses.chunks && algorithm.uses.topology),
      sample_(sample(problem)) {
  Problem whole = problem;
  whole.params.chunks = 1;
  const Rounds rounds = algorithm.rounds(whole);
  depth_ = std::max(1, rounds.within_nodes + rounds.between_nodes);
  for (const Rank rank : sample_) add(build_schedule(algorithm, whole, rank), rank);
  // Around a root there is more to do than elsewhere.
  const int n = problem.world_size();
  if (is_rooted_) {
    all_messages_ = std::max<double>(all_messages_, n);
  } else {
    all_messages_ *= n / static_cast<double>(sample_.size());
  }
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
    // Messages within the sample are counted where they are sent.
    if (step.receives() && std::ranges::binary_search(sample_, step.peer)) continue;
    const auto next = static_cast<int>(round_of_turn_.size());
    const auto [turn, is_new] = turn_of_round.emplace(rounds[i], next);
    if (is_new) round_of_turn_.push_back(rounds[i]);
    add_message(turn->second, step, me);
  }
  processor_ = std::max(processor_, processor);
}

// How many ranks ask of a link between switches what one rank of the sample does.
double FabricTally::ranks_like(const Link& link, Rank rank) const {
  const bool is_own = !fabric_.is_switch(link.from) || !fabric_.is_switch(link.to);
  if (is_own || is_rooted_ || link.tier == 0) return 1;
  const int below = link.tier - 1;
  const Topology& topology = fabric_.topology();
  const std::span<const Rank> members =
      topology.members(below, topology.tiers()[below].group_of[rank]);
  return std::max(1.0, static_cast<double>(members.size()) / static_cast<double>(sample_.size()));
}

void FabricTally::add_message(int turn, const Step& step, Rank me) {
  const auto bytes = static_cast<double>(step.count() * element_bytes_);
  Message message{.turn = turn, .bytes = bytes, .first_load = routes_.size()};
  const auto links = static_cast<std::size_t>(fabric_.links().size());
  const std::vector<int> route =
      step.sends() ? fabric_.route(me, step.peer) : fabric_.route(step.peer, me);
  for (const int number : route) {
    const Link& link = fabric_.links()[number];
    const LinkClass& its = fabric_.class_of(link);
    // Where both directions share a link, they load it together.
    const int loaded = its.sharing == Sharing::shared ? std::min(number, link.reverse) : number;
    const std::size_t key =
        static_cast<std::size_t>(round_of_turn_[turn]) * links + static_cast<std::size_t>(loaded);
    const auto [at, is_new] = load_at_.emplace(key, static_cast<int>(loads_.size()));
    if (is_new) loads_.push_back({.link = loaded});
    Load& load = loads_[at->second];
    const double alike = ranks_like(link, me);
    load.bytes += alike * bytes;
    load.messages += alike;
    routes_.push_back(at->second);
    message.latency += its.latency;
    message.tier = std::max(message.tier, link.tier);
  }
  message.end_load = routes_.size();
  messages_.push_back(message);
  if (step.sends() || is_rooted_) all_messages_ += 1;
  largest_bytes_ = std::max(largest_bytes_, bytes);
}

// All messages together, each in so many pieces.
Seconds FabricTally::occupied(const Load& load, int pieces) const {
  const Link& link = fabric_.links()[load.link];
  const double messages = load.messages * pieces;
  return fabric_.class_of(link).occupied(load.bytes / messages) * messages / link.parallel;
}

int FabricTally::blocks_of(int chunks, std::size_t block_bytes) const {
  const double blocks = std::ceil(largest_bytes_ / chunks / static_cast<double>(block_bytes));
  return static_cast<int>(std::clamp<double>(blocks, 1, most_blocks(chunks)));
}

double FabricTally::blocks_in_all(int chunks, std::size_t block_bytes) const {
  return all_messages_ * chunks * blocks_of(chunks, block_bytes);
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
      const Load alone{loads_[routes_[i]].link, message.bytes, 1};
      slowest = std::max(slowest, occupied(alone, pieces));
    }
    tiers[message.tier].add(message.latency + slowest / pieces, message.latency);
  }
  const Topology& topology = fabric_.topology();
  const bool is_line = depth_ >= topology.world_size() - 1;
  const auto members = [&](int tier) {
    return tier < 0 ? 1.0 : static_cast<double>(topology.members(tier, 0).size());
  };
  Way way;
  double shares = 0;
  for (const auto& [tier, mean] : tiers) {
    const int crossings = doublings(static_cast<int>(std::ceil(members(tier) / members(tier - 1))));
    const double share = is_line ? mean.count : std::max(1, crossings);
    way.latency += share * (mean.latency / mean.count);
    way.moving += share * ((mean.time - mean.latency) / mean.count);
    shares += share;
  }
  return {way.latency * (depth_ / shares), way.moving * (depth_ / shares)};
}

Prediction FabricTally::price(int chunks, std::size_t block_bytes) const {
  if (messages_.empty()) return {.work = processor_};
  const int pieces = chunks * (goes_on_blockwise_ ? blocks_of(chunks, block_bytes) : 1);
  std::vector<Seconds> load_times;        // of one piece
  std::unordered_map<int, Seconds> busy;  // by link, with all
  Seconds busiest{};
  for (const Load& load : loads_) {
    const Seconds time = occupied(load, pieces);
    load_times.push_back(time / pieces);
    busiest = std::max(busiest, busy[load.link] += time);
  }
  Way way = through_rounds(load_times);
  const Seconds of_chunk = busiest / chunks;
  const Seconds interval = chunks_wait_ ? std::max(of_chunk, way.longest_round) : of_chunk;
  // Who begins by receiving is late by the messages before it.
  if (waits_first_) {
    const Way hops = hop_by_hop(pieces);
    if (hops.time() > way.time()) way = hops;
  }
  const Seconds rest_of_chunk = of_chunk * (1 - static_cast<double>(chunks) / pieces);
  const Seconds links = way.time() + (chunks - 1) * interval + rest_of_chunk;
  const Seconds total = std::max(links, processor_) + std::min(links, processor_) / pieces;
  return {.latency = way.latency, .work = total - way.latency};
}

}  // namespace motet
