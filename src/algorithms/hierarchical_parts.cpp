// Allgather and reduce-scatter on levels. A rank handles on each level the parts of all ranks that
// have its place in the levels up to there (same_place), part by part: they do not lie side by
// side.
#include "algorithms/allgather_hierarchical.hpp"
#include "algorithms/reduce_scatter_hierarchical.hpp"

namespace motet {

namespace {

// For entry k of what I handle once `level` is done: the ranks whose parts its members exchange
// there, by member.
std::vector<std::vector<Rank>> exchanges(const Problem& p, const Route& route, int level) {
  const Group& group = route.levels[level];
  std::vector<std::vector<Rank>> found;
  for (int member = 0; member < group.size(); ++member) {
    const auto parts = same_place(p.topology, group.at(member), level + 1, route.middle);
    found.resize(parts.size());
    for (std::size_t k = 0; k < parts.size(); ++k) found[k].push_back(parts[k]);
  }
  return found;
}

// By level: found once per route, for all its strands.
using Exchanges = std::vector<std::vector<std::vector<Rank>>>;

Exchanges exchanges(const Problem& p, const Route& route) {
  Exchanges found;
  for (int level = 0; level <= route.top(); ++level) found.push_back(exchanges(p, route, level));
  return found;
}

Shares pieces(const Problem& p, const Strand& strand, Slice whole, const std::vector<Rank>& ranks) {
  const Shares parts(whole, p.parts);
  std::vector<Slice> found;
  found.reserve(ranks.size());
  for (const Rank rank : ranks) found.push_back(strand.of(parts.at(rank)));
  return Shares::apart(std::move(found));
}

class GatherWalk {
 public:
  GatherWalk(const Problem& p, const Strand& strand, const Exchanges& exchanges)
      : p_(p), strand_(strand), exchanges_(exchanges) {}

  const Strand& strand() const { return strand_; }
  int phases() const { return static_cast<int>(strand_.route->levels.size()); }
  void advance(ScheduleBuilder& b, int phase) const {
    const int level = strand_.route->top() - phase;
    const Group& group = strand_.route->levels[level];
    for (const std::vector<Rank>& ranks : exchanges_[level]) {
      const Shares all = pieces(p_, strand_, b.output(), ranks);
      if (phase == 0) {
        circulant_allgather(b, group, {strand_.of(b.input()), all}, strand_.route->down);
      } else {
        mesh_allgather(b, group, {all.at(group.index()), all}, strand_.route->down);
      }
    }
  }

 private:
  const Problem& p_;
  Strand strand_;
  const Exchanges& exchanges_;
};

class ScatterWalk {
 public:
  ScatterWalk(const Problem& p, const Strand& strand, const Exchanges& exchanges)
      : p_(p), strand_(strand), exchanges_(exchanges) {}

  const Strand& strand() const { return strand_; }
  int phases() const { return static_cast<int>(strand_.route->levels.size()); }
  void advance(ScheduleBuilder& b, int level) {
    const auto& all = exchanges_[level];
    std::vector<Slice> sums(all.size());
    // Last entries first: the circulant sends those in its first round.
    for (std::size_t k = all.size(); k-- > 0;) sums[k] = scatter(b, level, k);
    sums_ = std::move(sums);
  }

 private:
  // Sums entry k; gives where my share of it lies.
  Slice scatter(ScheduleBuilder& b, int level, std::size_t k) const {
    const Group& group = strand_.route->levels[level];
    const Shares from =
        level == 0 ? pieces(p_, strand_, b.input(), exchanges_[level][k]) : sums(level, k);
    const Slice mine = from.at(group.index());
    if (level == strand_.route->top()) {
      const Slice result = strand_.of(b.output());
      circulant_reduce_scatter(b, group, {from, from, result}, strand_.route->up);
      return result;
    }
    const bool overwrites = level > 0 || p_.in_place;  // what came from below, or the input
    const Slice result = overwrites ? mine : b.scratch(mine.count);
    mesh_reduce_scatter(b, group, {from, from, result}, strand_.route->up);
    return result;
  }
  // What the level below has summed for entry k: its entries follow this group from me on.
  Shares sums(int level, std::size_t k) const {
    const Group& group = strand_.route->levels[level];
    const int n = group.size();
    std::vector<Slice> found;
    for (int member = 0; member < n; ++member) {
      const auto ahead = static_cast<std::size_t>((member - group.index() + n) % n);
      found.push_back(sums_[ahead * exchanges_[level].size() + k]);
    }
    return Shares::apart(std::move(found));
  }

  const Problem& p_;
  Strand strand_;
  const Exchanges& exchanges_;
  std::vector<Slice> sums_;  // of the level below, by its entries
};

template <class Walk>
void build(const Problem& p, Rank me, ScheduleBuilder& b) {
  const std::vector<Route> all_routes = routes(p, me);
  std::vector<Exchanges> all_exchanges;
  all_exchanges.reserve(all_routes.size());
  for (const Route& route : all_routes) all_exchanges.push_back(exchanges(p, route));
  std::vector<Walk> walks;
  for (const Strand& strand : strands(p.params, all_routes)) {
    walks.emplace_back(p, strand, all_exchanges[strand.route - all_routes.data()]);
  }
  walk_one_behind_the_other(b, walks);
}

}  // namespace

void build_hierarchical_allgather(const Problem& problem, Rank me, ScheduleBuilder& b) {
  build<GatherWalk>(problem, me, b);
}

void build_hierarchical_reduce_scatter(const Problem& problem, Rank me, ScheduleBuilder& b) {
  build<ScatterWalk>(problem, me, b);
}

}  // namespace motet
