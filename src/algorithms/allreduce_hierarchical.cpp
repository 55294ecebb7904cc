#include "algorithms/allreduce_hierarchical.hpp"

#include "algorithms/hierarchy.hpp"

namespace motet {

namespace {

// In phase i a strand is scattered on level i, up to the outermost, then gathered on the levels in
// reverse. In between it waits, as the outermost takes many rounds: about two of them to a phase.
//
// On all other levels the way up and the way back share a channel. So a strand's scatter follows
// the gather of the one as many phases before it, and those that set out cannot take the links from
// those that come back.
class Walk {
 public:
  Walk(const Strand& strand, Slice from, Slice into)
      : strand_(strand), from_(strand.of(from)), into_(strand.of(into)) {}

  const Strand& strand() const { return strand_; }
  int phases() const { return 2 * static_cast<int>(route().levels.size()) + waiting(); }
  void advance(ScheduleBuilder& b, int phase) {
    if (phase <= route().top()) return scatter(b, phase);
    if (phase > route().top() + waiting()) gather(b, phases() - 1 - phase);
  }

 private:
  const Route& route() const { return *strand_.route; }
  int waiting() const { return doublings(route().levels.back().size()) - 1; }
  void scatter(ScheduleBuilder& b, int level) {
    const Group& group = route().levels[level];
    held_.push_back(into_);
    const Shares all = Shares::even(into_, group.size());
    const Slice mine = all.at(group.index());
    const Reduction sum{Shares::even(from_, group.size()), all, mine};
    if (level < route().top()) {
      mesh_reduce_scatter(b, group, sum, route().up);
    } else {
      circulant_reduce_scatter(b, group, sum, route().up);
    }
    from_ = into_ = mine;
  }
  void gather(ScheduleBuilder& b, int level) {
    const Group& group = route().levels[level];
    const Slice whole = held_.back();
    held_.pop_back();
    const Gathering gathering{into_, Shares::even(whole, group.size())};
    if (level < route().top()) {
      mesh_allgather(b, group, gathering, route().up);
    } else {
      circulant_allgather(b, group, gathering, route().down);
    }
    into_ = whole;
  }

  Strand strand_;
  Slice from_, into_;        // what this rank works on now
  std::vector<Slice> held_;  // what it worked on at the levels below
};

}  // namespace

bool supports_hierarchical_allreduce(const Problem& problem) {
  return problem.commutative && supports_levels(problem);
}

void build_hierarchical_allreduce(const Problem& problem, Rank me, ScheduleBuilder& b) {
  const std::vector<Route> all_routes = routes(problem, me);
  std::vector<Walk> walks;
  for (const Strand& strand : strands(problem.params, all_routes)) {
    walks.emplace_back(strand, b.input(), b.output());
  }
  walk_one_behind_the_other(b, walks);
}

Rounds hierarchical_allreduce_rounds(const Problem& problem) {
  return rounds_on_levels(problem, 2, 2 * doublings(outermost_size(problem)));
}

}  // namespace motet
