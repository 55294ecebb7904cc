#include "algorithms/allreduce_hierarchical.hpp"

#include "algorithms/levels.hpp"
#include "algorithms/parts.hpp"

namespace motet {

namespace {

// One chunk on its way: in phase i < top it is scattered on level i, in phase top summed across,
// then gathered on the levels in reverse.
class Chunk {
 public:
  Chunk(const std::vector<Group>& levels, Slice from, Slice into, Via via)
      : levels_(levels), from_(from), into_(into), via_(via) {}

  static int phases(int levels) { return 2 * levels - 1; }
  void advance(ScheduleBuilder& b) {
    const int top = static_cast<int>(levels_.size()) - 1;
    if (phase_ < top) {
      scatter(b, levels_[phase_]);
    } else if (phase_ == top) {
      sum_across(b, levels_[top]);
    } else {
      gather(b, levels_[2 * top - phase_]);
    }
    ++phase_;
  }

 private:
  void scatter(ScheduleBuilder& b, const Group& level) {
    held_.push_back(into_);
    const Shares all = Shares::even(into_, level.size());
    const Slice mine = all.at(level.index());
    mesh_reduce_scatter(b, level, {Shares::even(from_, level.size()), all, mine}, via_);
    from_ = into_ = mine;
  }
  void sum_across(ScheduleBuilder& b, const Group& level) {
    const Shares all = Shares::even(into_, level.size());
    const Slice mine = all.at(level.index());
    circulant_reduce_scatter(b, level, {Shares::even(from_, level.size()), all, mine}, via_);
    circulant_allgather(b, level, {mine, all}, via_);
  }
  void gather(ScheduleBuilder& b, const Group& level) {
    const Slice whole = held_.back();
    held_.pop_back();
    mesh_allgather(b, level, {into_, Shares::even(whole, level.size())}, via_);
    into_ = whole;
  }

  const std::vector<Group>& levels_;
  Slice from_, into_;        // what this rank works on now
  std::vector<Slice> held_;  // what it worked on at the levels below
  Via via_;
  int phase_ = 0;
};

// Chunk c is in phase t - c at time t: written in the order in which they should run, older chunks
// first.
void all_reduce_on_levels(const Problem& p, const std::vector<Group>& levels, ScheduleBuilder& b) {
  const Via via{.mover = p.params.mover};
  std::vector<Chunk> chunks;
  chunks.reserve(p.params.chunks);
  for (int c = 0; c < p.params.chunks; ++c) {
    chunks.emplace_back(levels, b.input().piece(c, p.params.chunks),
                        b.output().piece(c, p.params.chunks), via);
  }
  const int phases = Chunk::phases(static_cast<int>(levels.size()));
  for (int time = 0; time < phases + p.params.chunks - 1; ++time) {
    for (int c = 0; c < p.params.chunks; ++c) {
      if (time - c >= 0 && time - c < phases) chunks[c].advance(b);
    }
  }
}

// The first rank of each node sums for its node, then with the other leaders.
void all_reduce_by_leaders(const Problem& p, Rank me, ScheduleBuilder& b) {
  const Via via{.mover = p.params.mover};
  const Group node = p.topology.node(me);
  if (!node.first()) {
    b.send(node.at(0), b.input(), via);
    b.recv(node.at(0), b.output(), via);
    return;
  }
  combine_all(b, node, {b.input(), b.output(), Order::by_rank}, via);
  const Group leaders = p.topology.rail(me);
  const Shares all = Shares::even(b.output(), leaders.size());
  const Slice mine = all.at(leaders.index());
  circulant_reduce_scatter(b, leaders, {all, all, mine}, via);
  circulant_allgather(b, leaders, {mine, all}, via);
  send_to_all(b, node, b.output(), via);
}

}  // namespace

bool supports_hierarchical_allreduce(const Problem& problem) {
  if (!problem.commutative) return false;
  if (!has_levels(problem.topology)) return problem.topology.node_count() > 1;
  return levels(problem.topology, 0).size() > 1;
}

void build_hierarchical_allreduce(const Problem& problem, Rank me, ScheduleBuilder& b) {
  if (!has_levels(problem.topology)) return all_reduce_by_leaders(problem, me, b);
  all_reduce_on_levels(problem, levels(problem.topology, me), b);
}

Rounds hierarchical_allreduce_rounds(const Problem& problem) {
  if (!has_levels(problem.topology)) return {2, 2 * doublings(problem.topology.node_count())};
  Rounds rounds;
  const std::vector<Group> groups = levels(problem.topology, 0);
  for (const Group& level : groups) {
    const bool top = &level == &groups.back();
    const int count = 2 * (top ? doublings(level.size()) : 1);
    const bool inside =
        problem.topology.node_of(level.at(0)) == problem.topology.node_of(level.at(1));
    (inside ? rounds.within_nodes : rounds.between_nodes) += count;
  }
  return rounds;
}

}  // namespace motet
