// Broadcast and reduce on levels. The root's fellows in a level are those who have its place in all
// levels further out: only they scatter the root's data there, or gather it.
#include "algorithms/broadcast_hierarchical.hpp"
#include "algorithms/reduce_hierarchical.hpp"

namespace motet {

namespace {

// Where the root stands, seen from one rank's levels.
class RootPlace {
 public:
  RootPlace(const Problem& p, const Route& route)
      : levels_(route.levels), root_levels_(levels(p.topology, p.root, route.middle)) {}

  // The member of my group that is, or stands for, the root on this level.
  int at(int level) const { return root_levels_[level].index(); }
  bool is_me(int level) const { return levels_[level].index() == at(level); }
  // Whether that member has or gets the root's data on this level before (or after) all others.
  bool is_fellow(int level) const {
    for (std::size_t outer = level + 1; outer < levels_.size(); ++outer) {
      if (!is_me(static_cast<int>(outer))) return false;
    }
    return true;
  }

 private:
  const std::vector<Group>& levels_;
  std::vector<Group> root_levels_;
};

// Phases: scattered on the levels inside, broadcast across the outermost, gathered inside.
class BroadcastWalk {
 public:
  BroadcastWalk(const Strand& strand, const RootPlace& root, Slice data)
      : strand_(strand), root_(root), data_(strand.of(data)) {}

  const Strand& strand() const { return strand_; }
  int phases() const { return 2 * route().top() + 1; }
  void advance(ScheduleBuilder& b, int phase) {
    if (phase < route().top()) return scatter(b, phase);
    if (phase > route().top()) return gather(b, phases() - 1 - phase);
    const Group& group = route().levels[phase];
    two_tree_broadcast(b, group.starting_at(group.at(root_.at(phase))), data_, route().up);
  }

 private:
  const Route& route() const { return *strand_.route; }
  void scatter(ScheduleBuilder& b, int level) {
    const Group& group = route().levels[level];
    const Shares all = Shares::even(data_, group.size());
    held_.push_back(data_);
    data_ = all.at(group.index());
    if (!root_.is_fellow(level)) return;
    const int source = root_.at(level);
    if (!root_.is_me(level)) return b.recv(group.at(source), data_, route().up);
    for (int k = 1; k < group.size(); ++k) {
      b.send(group.at(source + k), all.at(source + k), route().up);
    }
  }
  void gather(ScheduleBuilder& b, int level) {
    const Group& group = route().levels[level];
    const Slice whole = held_.back();
    held_.pop_back();
    const int complete = root_.is_fellow(level) ? root_.at(level) : -1;
    mesh_allgather(b, group, {data_, Shares::even(whole, group.size()), complete}, route().down);
    data_ = whole;
  }

  Strand strand_;
  const RootPlace& root_;
  Slice data_;               // what this rank works on now
  std::vector<Slice> held_;  // what it worked on at the levels below
};

// The same backwards: summed on the levels inside, across the outermost, gathered towards the root.
class ReduceWalk {
 public:
  ReduceWalk(const Strand& strand, const RootPlace& root, Slice from, Slice into)
      : strand_(strand), root_(root), from_(strand.of(from)), into_(strand.of(into)) {}

  const Strand& strand() const { return strand_; }
  int phases() const { return 2 * route().top() + 1; }
  void advance(ScheduleBuilder& b, int phase) {
    if (phase < route().top()) return scatter(b, phase);
    if (phase > route().top()) return gather(b, phases() - 1 - phase);
    const Group& group = route().levels[phase];
    two_tree_reduce(b, group.starting_at(group.at(root_.at(phase))), from_, into_, route().up);
  }

 private:
  const Route& route() const { return *strand_.route; }
  void scatter(ScheduleBuilder& b, int level) {
    const Group& group = route().levels[level];
    const Shares all = Shares::even(into_, group.size());
    held_.push_back(into_);
    into_ = all.at(group.index());
    mesh_reduce_scatter(b, group, {Shares::even(from_, group.size()), all, into_}, route().up);
    from_ = into_;
  }
  void gather(ScheduleBuilder& b, int level) {
    const Group& group = route().levels[level];
    const Slice whole = held_.back();
    held_.pop_back();
    const int target = root_.at(level);
    if (root_.is_fellow(level)) {
      if (root_.is_me(level)) {
        const Shares all = Shares::even(whole, group.size());
        for (int k = 1; k < group.size(); ++k) {
          b.recv(group.at(target + k), all.at(target + k), route().down);
        }
      } else {
        b.send(group.at(target), into_, route().down);
      }
    }
    into_ = whole;
  }

  Strand strand_;
  const RootPlace& root_;
  Slice from_, into_;        // what this rank works on now
  std::vector<Slice> held_;  // what it worked on at the levels below
};

std::vector<RootPlace> root_places(const Problem& p, const std::vector<Route>& routes) {
  std::vector<RootPlace> found;
  found.reserve(routes.size());
  for (const Route& route : routes) found.emplace_back(p, route);
  return found;
}

}  // namespace

void build_hierarchical_broadcast(const Problem& p, Rank me, ScheduleBuilder& b) {
  const std::vector<Route> all_routes = routes(p, me);
  const std::vector<RootPlace> roots = root_places(p, all_routes);
  std::vector<BroadcastWalk> walks;
  for (const Strand& strand : strands(p.params, all_routes)) {
    const RootPlace& root = roots[strand.route - all_routes.data()];
    walks.emplace_back(strand, root, me == p.root ? b.input() : b.output());
  }
  walk_one_behind_the_other(b, walks);
  if (me == p.root) b.copy(b.input(), b.output());
}

void build_hierarchical_reduce(const Problem& p, Rank me, ScheduleBuilder& b) {
  const std::vector<Route> all_routes = routes(p, me);
  const std::vector<RootPlace> roots = root_places(p, all_routes);
  const Slice into = accumulator(p, b);
  std::vector<ReduceWalk> walks;
  for (const Strand& strand : strands(p.params, all_routes)) {
    walks.emplace_back(strand, roots[strand.route - all_routes.data()], b.input(), into);
  }
  walk_one_behind_the_other(b, walks);
}

}  // namespace motet
