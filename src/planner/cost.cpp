#include "planner/cost.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace motet {

namespace {

// Of the price of a message: what goes back is read out of the nearest cache. Two ranks split sums
// from 16 KiB on by it, which is where that was measured to win.
constexpr double returned = .5;

// Where ranks share cores, so much of what a peer can send before it has heard of this rank's call
// comes before that, and is copied once more; of eight ranks over TCP it was 40 %. Shorter messages
// are always copied (execute/program.cpp).
constexpr double early = .5;
constexpr double placed_bytes = 32 * 1024;

// A network hands over a block while it comes: its receiver is behind by so much, not by the block.
constexpr double streamed_bytes = 32 * 1024;

// What a message costs a NIC beside its bytes: the frame, the headers of a packet that is not full,
// and what acknowledges it.
constexpr double header_bytes = 100;

constexpr Seconds per_byte_at(double gigabytes_per_second) {
  return Seconds(1e-9 / gigabytes_per_second);
}

// What one rank's processor does in a schedule.
struct Work {
  Seconds busy{};
  Seconds crowded{};    // what is added to it where ranks share cores
  int waits = 0;        // runs of receives: before each the rank may have to wait
  Seconds until_end{};  // of the work: where it begins by receiving, with what it waits for
};

class Counter {
 public:
  Counter(const Problem& problem, int depth, const Machine& machine, const CostModel& model)
      : problem_(problem), depth_(std::max(1, depth)), machine_(machine), model_(model) {}

  Work count(const Schedule& schedule, Rank me, std::size_t block_bytes) const {
    Work work;
    Seconds moving{};                 // the part of `busy` that messages take
    double messages = 0, blocks = 0;  // a rest that is shorter than a block is part of one
    double streamed = 0, streamed_blocks = 0;
    bool waits_first = false;
    const Step* before = nullptr;
    for (std::size_t at = 0; at < schedule.steps.size(); ++at) {
      const Step& step = schedule.steps[at];
      const Step* const after = at + 1 < schedule.steps.size() ? &schedule.steps[at + 1] : nullptr;
      const double length = std::max(1.0, step_bytes(step) / static_cast<double>(block_bytes));
      const double pieces = std::ceil(length);
      const Seconds whole = data_cost(step, me, before);
      const Seconds data = goes_back(step, me, {before, after}) ? whole * returned : whole;
      if (step.receives() && (before == nullptr || !before->receives())) ++work.waits;
      const Seconds cost = data + overhead(step, me, before) * pieces;
      work.busy += cost;
      if (!step.is_local()) {
        if (messages == 0) waits_first = step.receives();
        work.crowded += link(me, step.peer).crowded * pieces;
        if (may_come_early(step, me, work.waits > 0)) {
          work.crowded += model_.copy.at(step_bytes(step)) * early;
        }
        moving += cost;
        messages += 1;
        blocks += length;
        if (step.op != Op::recv_reduce && !link(me, step.peer).publishes) {
          streamed += step_bytes(step);
          streamed_blocks += length;
        }
      }
      before = &step;
    }
    work.until_end = work.busy;
    if (!waits_first) return work;
    // The first block passes through the rounds, each time two processors long, and the rest
    // overlaps. The last of them to receive it need not have all of it.
    const Seconds hop = moving * 2 / blocks;
    const double last =
        streamed > 0 ? std::min(1.0, streamed_bytes * streamed_blocks / streamed) : 1;
    const double hops = depth_ - 1 + last;
    work.until_end =
        std::max(work.busy, hops * hop + work.busy * (1 - std::min(1.0, hops / blocks)));
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
  // Whether it is sent whatever peers have done, and is received to where it belongs. What is to be
  // reduced is not.
  bool may_come_early(const Step& step, Rank me, bool has_received) const {
    return step.sends() && (step.src.buffer == Buffer::input || !has_received) &&
           step_bytes(step) >= placed_bytes && !link(me, step.peer).publishes &&
           !reduces(problem_.collective);
  }
  // Whether the step before has published this slice already.
  bool follows_publication(const Step& step, Rank me, const Step* before) const {
    return step.sends() && before != nullptr && before->sends() && before->src == step.src &&
           link(me, step.peer).publishes && link(me, before->peer).publishes;
  }
  struct Around {
    const Step *before, *after;
  };
  // Whether the executor leaves it where the peer's block lies (decision 0017); for several readers
  // it publishes it.
  bool goes_back(const Step& step, Rank me, const Around& around) const {
    const auto [before, after] = around;
    const bool is_result = step.sends() && before != nullptr && before->op == Op::recv_reduce &&
                           before->dst == step.src && before->peer == step.peer;
    const bool has_more_readers = after != nullptr && after->sends() && after->src == step.src;
    return is_result && !has_more_readers && link(me, step.peer).publishes;
  }
  Seconds data_cost(const Step& step, Rank me, const Step* before) const {
    const double bytes = step_bytes(step);
    switch (step.op) {
      case Op::copy:
        return model_.copy.at(bytes);
      case Op::reduce:
        return model_.reduce.at(bytes);
      case Op::send:
        return follows_publication(step, me, before) ? Seconds{}
                                                     : link(me, step.peer).message.of_bytes(bytes);
      case Op::recv:
        return link(me, step.peer).message.of_bytes(bytes);
      case Op::recv_reduce:
        // Shared memory is reduced where it lies; what came over a network has to be copied out
        // first.
        return link(me, step.peer).publishes
                   ? model_.reduce.at(bytes)
                   : link(me, step.peer).message.of_bytes(bytes) + model_.reduce.at(bytes);
    }
    return {};
  }
  Seconds overhead(const Step& step, Rank me, const Step* before) const {
    if (step.is_local()) return {};
    const Seconds whole = link(me, step.peer).message.fixed();
    return follows_publication(step, me, before) ? whole / 2 : whole;
  }

  const Problem& problem_;
  int depth_;
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

std::vector<int> members_by_node(const Topology& topology) {
  std::vector<int> members(static_cast<std::size_t>(topology.node_count()), 0);
  for (Rank rank = 0; rank < topology.world_size(); ++rank) ++members[topology.node_of(rank)];
  return members;
}

// All where there are few; else that of the root and those about it, where lines and trees begin
// and end, and the smallest, to which as much may come as to any other.
std::vector<int> nodes_to_look_at(const Problem& problem) {
  constexpr int few_ranks = 64;
  const Topology& topology = problem.topology;
  const int count = topology.node_count();
  std::vector<int> nodes(static_cast<std::size_t>(count));
  std::iota(nodes.begin(), nodes.end(), 0);
  if (problem.world_size() <= few_ranks) return nodes;
  const std::vector<int> members = members_by_node(topology);
  const int root = topology.node_of(problem.root);
  const auto smallest = static_cast<int>(std::ranges::min_element(members) - members.begin());
  return {root, (root + 1) % count, (root + count - 1) % count, smallest};
}

struct Load {
  Seconds until_end{};  // the longest of any rank
  Work first, others;   // the sample's first rank, and the others together
  int ranks = 0;        // in the sample

  void add(const Work& work) {
    Work& sum = ranks++ == 0 ? first : others;
    sum.busy += work.busy;
    sum.crowded += work.crowded;
    sum.waits += work.waits;
    until_end = std::max(until_end, work.until_end);
  }
  // What so many ranks do together, of which these are a sample.
  Work of_all(int world_size) const {
    const double weight = ranks < 2 ? 0 : static_cast<double>(world_size - 1) / (ranks - 1);
    return {.busy = first.busy + others.busy * weight,
            .crowded = first.crowded + others.crowded * weight,
            .waits = first.waits + static_cast<int>(std::lround(others.waits * weight)),
            .until_end = until_end};
  }
};

int largest_node(const Topology& topology) {
  return std::ranges::max(members_by_node(topology));
}

int cores_of(const Machine& machine) {
  return std::max(1, machine.cores_per_node);
}

// Of its cores.
int ranks_sharing(const Topology& topology, const Machine& machine) {
  return largest_node(topology) * std::min(machine.nodes_sharing, topology.node_count());
}

}  // namespace

std::optional<Bandwidth> nic_of(const Problem& problem, const Machine& machine,
                                const CostModel& model) {
  if (problem.fabric != nullptr || problem.topology.node_count() == 1) return std::nullopt;
  if (model.nic) return model.nic;
  return problem.determinism == Determinism::any ? machine.nic : std::nullopt;
}

Seconds NicLoad::on(Bandwidth nic, int chunks) const {
  // Measured with NICs of 200 Mbit/s, allgather and reduce_scatter: 1.0 to 1.25 from here on.
  constexpr double long_bytes = 512 * 1024, uneven = 1.15;
  return nic.time(bytes) * (longest >= long_bytes && chunks == 1 ? uneven : 1);
}

NicLoad busiest_nic(const Algorithm& algorithm, const Problem& problem) {
  const Topology& topology = problem.topology;
  const auto load_of = [&](int node) {
    double sent = 0, received = 0, longest = 0;
    for (Rank rank = 0; rank < problem.world_size(); ++rank) {
      if (topology.node_of(rank) != node) continue;
      for (const Step& step : build_schedule(algorithm, problem, rank).steps) {
        if (step.is_local() || topology.node_of(step.peer) == node) continue;
        const auto bytes = static_cast<double>(step.count() * problem.element_bytes);
        (step.sends() ? sent : received) += header_bytes + bytes;
        longest = std::max(longest, bytes);
      }
    }
    return NicLoad{std::max(sent, received), longest};
  };
  NicLoad most;
  for (const int node : nodes_to_look_at(problem)) {
    const NicLoad load = load_of(node);
    if (load.bytes > most.bytes) most = load;
  }
  return most;
}

bool shares_cores(const Problem& problem, const Machine& machine) {
  return ranks_sharing(problem.topology, machine) > cores_of(machine);
}

CostModel CostModel::typical() {
  // Typical of servers, and within that range set so that the choices known to be best on a small
  // one come out (tests/planner). Ratios decide, not the absolute values.
  return {.shared_memory = {.latency = microseconds(0.15),
                            .message = TimeTable(microseconds(0.05), per_byte_at(12.5)),
                            .crowded = microseconds(0.2),
                            .publishes = true},
          .network = {.latency = microseconds(15),
                      .message = TimeTable(microseconds(2), per_byte_at(2.5)),
                      .crowded = microseconds(7),
                      .publishes = false},
          .copy = TimeTable({}, per_byte_at(12.5)),
          .reduce = TimeTable({}, per_byte_at(11.5)),
          .type_factor = all_alike(),
          .context_switch = microseconds(2)};
}

CostModel CostModel::for_type(DataType type) const {
  const double factor = type_factor[static_cast<std::size_t>(type)];
  if (factor == 1) return *this;
  CostModel model = *this;
  model.reduce = reduce.times(factor);
  return model;
}

Tally::Tally(const Algorithm& algorithm, const Problem& problem)
    : problem_(problem), rounds_(algorithm.rounds(problem)) {
  for (const Rank rank : sample(problem)) {
    parts_.push_back({rank, build_schedule(algorithm, problem, rank)});
  }
}

Prediction Tally::price(std::size_t block_bytes, const Machine& machine,
                        const CostModel& model) const {
  const int depth = rounds_.within_nodes + rounds_.between_nodes;
  const Counter counter(problem_, depth, machine, model);
  Load all;
  for (const Part& part : parts_) {
    all.add(counter.count(part.schedule, part.rank, block_bytes));
  }
  const auto latency = [&](TransportClass kind) {
    return kind == TransportClass::shared_memory ? model.shared_memory.latency
                                                 : model.network.latency;
  };

  Prediction time;
  time.latency = rounds_.within_nodes * latency(machine.within_nodes) +
                 rounds_.between_nodes * latency(machine.between_nodes);
  time.work = all.until_end;

  if (shares_cores(problem_, machine)) {
    // No wire is passed: what takes time is the processors' work.
    if (machine.holds_all_nodes) time.latency = depth * model.shared_memory.latency;
    const int cores = cores_of(machine);
    const int sharing = ranks_sharing(problem_.topology, machine);
    // Brent: what all must do, spread over the cores, and what cannot be spread.
    const double share = static_cast<double>(sharing) / problem_.world_size();
    const Work sum = all.of_all(problem_.world_size());
    time.work = (sum.busy + sum.crowded) * share / cores + time.work * (1 - 1.0 / cores);
    time.switching = sum.waits * share / cores * model.context_switch;
  }
  return time;
}

Prediction predict(const Algorithm& algorithm, const Problem& problem, std::size_t block_bytes,
                   const Machine& machine, const CostModel& model) {
  if (problem.world_size() == 1) return {};
  return Tally(algorithm, problem).price(block_bytes, machine, model);
}

}  // namespace motet
