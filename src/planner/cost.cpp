#include "planner/cost.hpp"

#include <algorithm>
#include <vector>

namespace motet {

namespace {

constexpr Seconds per_byte_at(double gigabytes_per_second) {
  return Seconds(1e-9 / gigabytes_per_second);
}

// What one rank's processor does in a schedule.
struct Work {
  Seconds busy{};
  double blocks = 1;  // into which an average message is cut
  Seconds hop{};      // of both processors, for the first block of an average message
};

class Counter {
 public:
  Counter(const Problem& problem, const Machine& machine, const CostModel& model)
      : problem_(problem), machine_(machine), model_(model) {}

  Work count(const Schedule& schedule, Rank me, std::size_t block_bytes) const {
    Work work;
    Seconds moving{};  // the part of `busy` that is proportional to bytes of messages
    double messages = 0;
    double bytes = 0;
    const Step* before = nullptr;
    for (const Step& step : schedule.steps) {
      const Seconds data = step_bytes(step) * data_cost(step, me, before);
      work.busy += data + overhead(step, me, before);
      if (!step.is_local()) {
        moving += data;
        messages += 1;
        bytes += step_bytes(step);
      }
      before = &step;
    }
    if (messages == 0) return work;
    work.blocks = std::max(1.0, bytes / messages / static_cast<double>(block_bytes));
    work.hop = moving / messages * 2 / work.blocks;
    return work;
  }

 private:
  double step_bytes(const Step& step) const {
    return static_cast<double>(step.count() * problem_.element_bytes);
  }
  const LinkCost& link(Rank a, Rank b) const {
    const bool together = problem_.topology.node_of(a) == problem_.topology.node_of(b);
    const auto kind = together ? machine_.within_nodes : machine_.between_nodes;
    return kind == TransportClass::shared_memory ? model_.shared_memory : model_.network;
  }
  // Whether the step before has published this slice already.
  bool follows_publication(const Step& step, Rank me, const Step* before) const {
    return step.sends() && before != nullptr && before->sends() && before->src == step.src &&
           link(me, step.peer).publishes && link(me, before->peer).publishes;
  }
  Seconds data_cost(const Step& step, Rank me, const Step* before) const {
    switch (step.op) {
      case Op::copy:
        return model_.copy_per_byte;
      case Op::reduce:
        return model_.reduce_per_byte;
      case Op::send:
        return follows_publication(step, me, before) ? Seconds{} : link(me, step.peer).per_byte;
      case Op::recv:
        return link(me, step.peer).per_byte;
      case Op::recv_reduce:
        // Shared memory is reduced where it lies; what came over a network has to be copied out
        // first.
        return link(me, step.peer).publishes
                   ? model_.reduce_per_byte
                   : link(me, step.peer).per_byte + model_.reduce_per_byte;
    }
    return {};
  }
  Seconds overhead(const Step& step, Rank me, const Step* before) const {
    if (step.is_local()) return {};
    const Seconds whole = link(me, step.peer).overhead;
    return follows_publication(step, me, before) ? whole / 2 : whole;
  }

  const Problem& problem_;
  const Machine& machine_;
  const CostModel& model_;
};

// The ranks whose schedules are looked at: the root (rank 0 without one), and others spread evenly.
std::vector<Rank> sample(const Problem& problem) {
  const int n = problem.world_size();
  if (is_point_to_point(problem.collective)) return {(problem.root + 1) % n};
  constexpr int few = 8;  // all ranks of a usual node; beyond, time to plan matters more
  const int size = n <= few ? n : (n <= 64 ? few : 3);
  std::vector<Rank> ranks;
  for (int i = 0; i < size; ++i) {
    const int step = size > 1 ? static_cast<int>(static_cast<long>(i) * (n - 1) / (size - 1)) : 0;
    ranks.push_back((problem.root + step) % n);
  }
  return ranks;
}

struct Load {
  Work busiest;
  Seconds sum{};  // over all ranks, estimated from the sample
  Seconds hop{};  // the longest
};

Load load(const Algorithm& algorithm, const Problem& problem, std::size_t block_bytes,
          const Counter& counter) {
  Load all;
  const std::vector<Rank> ranks = sample(problem);
  Seconds others{};
  for (const Rank rank : ranks) {
    const Work work = counter.count(build_schedule(algorithm, problem, rank), rank, block_bytes);
    if (rank == ranks.front()) {
      all.sum = work.busy;
    } else {
      others += work.busy;
    }
    if (work.busy >= all.busiest.busy) all.busiest = work;
    all.hop = std::max(all.hop, work.hop);
  }
  const auto sampled_others = static_cast<double>(ranks.size()) - 1;
  if (sampled_others > 0) all.sum += others * ((problem.world_size() - 1) / sampled_others);
  return all;
}

int largest_node(const Topology& topology) {
  std::vector<int> members(topology.world_size(), 0);
  for (Rank rank = 0; rank < topology.world_size(); ++rank) ++members[topology.node_of(rank)];
  return *std::max_element(members.begin(), members.end());
}

}  // namespace

CostModel CostModel::typical() {
  // Typical of servers, and within that range set so that the choices known to be best on a small
  // one come out (tests/planner). Ratios decide, not the absolute values.
  return {.shared_memory = {.latency = microseconds(0.15),
                            .overhead = microseconds(0.05),
                            .per_byte = per_byte_at(12.5),
                            .publishes = true},
          .network = {.latency = microseconds(15),
                      .overhead = microseconds(2),
                      .per_byte = per_byte_at(2.5),
                      .publishes = false},
          .copy_per_byte = per_byte_at(12.5),
          .reduce_per_byte = per_byte_at(11.5),
          .context_switch = microseconds(2)};
}

Prediction predict(const Algorithm& algorithm, const Problem& problem, std::size_t block_bytes,
                   const Machine& machine, const CostModel& model) {
  if (problem.world_size() == 1) return {};
  const Load all = load(algorithm, problem, block_bytes, Counter(problem, machine, model));
  const Rounds rounds = algorithm.rounds(problem);
  const auto latency = [&](TransportClass kind) {
    return kind == TransportClass::shared_memory ? model.shared_memory.latency
                                                 : model.network.latency;
  };
  const int depth = rounds.within_nodes + rounds.between_nodes;

  Prediction time;
  time.latency = rounds.within_nodes * latency(machine.within_nodes) +
                 rounds.between_nodes * latency(machine.between_nodes);
  // The first blocks pass through the rounds one after the other, the rest overlaps.
  const Seconds busy = all.busiest.busy;
  time.work = std::max(busy, depth * all.hop + busy * (1 - 1 / all.busiest.blocks));

  const int sharing = largest_node(problem.topology);
  const int cores = std::max(1, machine.cores_per_node);
  if (sharing > cores) {
    // Brent: what all must do, spread over the cores, and what cannot be spread.
    const Seconds together = all.sum * sharing / problem.world_size() / cores;
    time.work = together + time.work * (1 - 1.0 / cores);
    time.switching = depth * model.context_switch;
  }
  return time;
}

}  // namespace motet
