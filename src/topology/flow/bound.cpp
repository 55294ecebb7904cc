#include "topology/flow/bound.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "topology/flow/cuts.hpp"
#include "topology/flow/symmetry.hpp"

namespace motet {
namespace {

using Wide = __int128;

// Whole bytes per second where the fraction does not fit.
void set_fraction(Bound& bound, Wide numerator, Wide denominator) {
  Wide common = numerator;
  for (Wide rest = denominator; rest != 0;) std::swap(common %= rest, rest);
  if (common > 1) numerator /= common, denominator /= common;
  if (numerator > INT64_MAX) {
    numerator = std::min<Wide>(numerator / denominator, INT64_MAX);
    denominator = 1;
  }
  bound.numerator = static_cast<std::int64_t>(numerator);
  bound.denominator = static_cast<std::int64_t>(denominator);
}

// S / time <= capacity / amount, by a cut (or several like it).
struct Candidate {
  Wide capacity = 0;
  Wide amount = 0;  // 0: says nothing
  Cut cut{};        // into or out of the ranks that are named
  std::vector<Rank> ranks{};

  // Of equals the first stays.
  void replace_if_worse(Candidate other) {
    if (amount == 0 || other.capacity * amount < capacity * other.amount) *this = std::move(other);
  }
};

class Search {
 public:
  explicit Search(const Fabric& fabric) : fabric_(fabric), graph_(fabric) {}

  int n() const { return graph_.ranks; }
  const Fabric& fabric() const { return fabric_; }
  const FlowGraph& graph() const { return graph_; }

  // Single ranks and groups, one of each kind, but for the world.
  std::vector<std::vector<Rank>> groups() const {
    std::set<std::vector<Rank>> found;
    std::vector<std::vector<Rank>> all;
    const auto note = [&](std::vector<Rank> group) {
      if (static_cast<int>(group.size()) < n() && found.insert(group).second) {
        all.push_back(std::move(group));
      }
    };
    for (const Rank rank : representatives(fabric_)) {
      for (int tier = static_cast<int>(fabric_.topology().tiers().size()) - 2; tier >= 0; --tier) {
        note(fabric_.topology().tier(tier, rank).members());
      }
      note({rank});
    }
    return all;
  }

  // Links have two directions of one speed, so as much gets out as in.
  Cut cut_into(const std::vector<Rank>& group) const {
    std::vector<int> sides(n(), 1);
    for (const Rank rank : group) sides[rank] = 2;
    return least_cut(graph_, sides);
  }

  // The ranks that `cut` leaves out.
  std::vector<Rank> beyond(const Cut& cut) const {
    std::vector<Rank> ranks;
    for (Rank rank = 0; rank < n(); ++rank) {
      if (!cut.inside(rank)) ranks.push_back(rank);
    }
    return ranks;
  }

  // S / time <= factor * what the cut admits / amount.
  Candidate by_cut(Cut cut, Wide factor, Wide amount) const {
    Candidate candidate{.capacity = factor * cut.capacity, .amount = amount, .ranks = beyond(cut)};
    candidate.cut = std::move(cut);
    return candidate;
  }

  Bound bound_by(const Candidate& candidate, bool reached) const;

 private:
  std::string described(const std::vector<Rank>& ranks) const;
  std::string crossing(const Cut& cut) const;

  const Fabric& fabric_;
  FlowGraph graph_;
};

// "ranks 0-3, 8, 12-15", the first few runs.
std::string runs(const std::vector<Rank>& ranks) {
  std::string text = ranks.size() == 1 ? "rank" : "ranks";
  constexpr int shown = 4;
  int count = 0;
  for (std::size_t first = 0; first < ranks.size();) {
    if (count++ == shown) return text + ", ...";
    std::size_t last = first;
    while (last + 1 < ranks.size() && ranks[last + 1] == ranks[last] + 1) ++last;
    text += fmt::format("{}{}", count > 1 ? ", " : " ", ranks[first]);
    if (last > first) text += fmt::format("-{}", ranks[last]);
    first = last + 1;
  }
  return text;
}

std::string Search::described(const std::vector<Rank>& ranks) const {
  const std::vector<Tier>& tiers = fabric_.topology().tiers();
  for (std::size_t tier = 0; ranks.size() > 1 && tier + 1 < tiers.size(); ++tier) {
    if (fabric_.topology().tier(static_cast<int>(tier), ranks[0]).members() == ranks) {
      return fmt::format("{} {} ({})", tiers[tier].name, tiers[tier].group_of[ranks[0]],
                         runs(ranks));
    }
  }
  return ranks.size() < 2 ? runs(ranks) : fmt::format("{} ranks ({})", ranks.size(), runs(ranks));
}

// "4 roce + 1 pcie".
std::string Search::crossing(const Cut& cut) const {
  std::map<int, int> counts;
  for (const Link& link : fabric_.links()) {
    if (cut.inside(link.from) && !cut.inside(link.to)) counts[link.link_class] += link.parallel;
  }
  std::string text;
  for (const auto& [kind, count] : counts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : " + ", count, fabric_.classes()[kind].name);
  }
  return text.empty() ? "no link" : text;
}

Bound Search::bound_by(const Candidate& candidate, bool reached) const {
  // Cuts count both directions of a shared link in full.
  const bool shares = std::ranges::any_of(
      fabric_.classes(), [](const LinkClass& c) { return c.sharing == Sharing::shared; });
  Bound bound{.reached = reached && !shares, .ranks = candidate.ranks};
  if (candidate.amount == 0) return bound;
  set_fraction(bound, candidate.capacity * graph_.unit, candidate.amount);
  bound.binding = fmt::format("{}: {}", described(candidate.ranks), crossing(candidate.cut));
  return bound;
}

// What each rank behind a cut has, S/n, must get over it.
Bound everyone_to_everyone(const Search& search) {
  Candidate worst;
  const auto consider = [&](Cut cut) {
    const int behind = cut.ranks;
    worst.replace_if_worse(search.by_cut(std::move(cut), search.n(), behind));
  };
  for (const std::vector<Rank>& group : search.groups()) consider(search.cut_into(group));
  for (const Rank sink : representatives(search.fabric())) {
    Cut cut = worst_cut_towards(search.graph(), sink, {worst.cut.capacity, worst.cut.ranks});
    if (!cut.from.empty()) consider(std::move(cut));
  }
  return search.bound_by(worst, true);
}

// The least cut between the root and a rank: over it S must get.
Candidate one_to_everyone(const Search& search, Rank root) {
  Candidate worst;
  for (const Rank rank : representatives(search.fabric(), root)) {
    if (rank == root) continue;
    std::vector<int> sides(search.n(), 0);
    sides[root] = 1;
    sides[rank] = 2;
    worst.replace_if_worse(search.by_cut(least_cut(search.graph(), sides), 1, 1));
  }
  return worst;
}

// S/n for each rank beyond the cut.
Bound one_to_each(const Search& search, Rank root) {
  Cut cut = worst_cut_from(search.graph(), root);
  const int beyond = search.n() - cut.ranks;
  return search.bound_by(search.by_cut(std::move(cut), search.n(), beyond), true);
}

// Of every rank on one side S/n for every rank on the other.
Bound each_to_each(const Search& search) {
  Candidate worst;
  for (const std::vector<Rank>& group : search.groups()) {
    const auto inside = static_cast<std::int64_t>(group.size());
    worst.replace_if_worse(
        search.by_cut(search.cut_into(group), search.n(), inside * (search.n() - inside)));
  }
  return search.bound_by(worst, false);
}

// A partition of the ranks into parts: S must be combined from all of them and get to all of them,
// 2 (k - 1) S over what leaves the parts.
class Partition {
 public:
  explicit Partition(const Search& search) : search_(search) {}

  // As many parts like this one.
  void add(const std::vector<Rank>& part, int times) {
    Cut cut = search_.cut_into(part);
    parts_ += times;
    leaving_ += static_cast<Wide>(cut.capacity) * times;
    if (first_.amount == 0) first_ = search_.by_cut(std::move(cut), 1, 1);
  }
  Candidate candidate() {
    first_.capacity = leaving_;
    first_.amount = 2 * (parts_ - 1);
    return std::move(first_);
  }

 private:
  const Search& search_;
  Candidate first_;
  Wide leaving_ = 0;
  int parts_ = 0;
};

// Every group of a tier, or every rank; those that a symmetry takes to one another looked at once.
Candidate by_groups(const Search& search, int tier) {
  const std::vector<Tier>& tiers = search.fabric().topology().tiers();
  const auto group_of = [&](Rank rank) { return tier < 0 ? rank : tiers[tier].group_of[rank]; };
  std::map<int, std::vector<Rank>> groups;
  for (Rank rank = 0; rank < search.n(); ++rank) groups[group_of(rank)].push_back(rank);
  const std::vector<Rank> like = alike(search.fabric());
  std::map<int, int> kinds;  // by the first of a kind: how many there are
  for (const auto& [group, ranks] : groups) ++kinds[group_of(like[ranks[0]])];
  Partition partition(search);
  for (const auto& [group, times] : kinds) partition.add(groups[group], times);
  return partition.candidate();
}

Bound combined_everywhere(const Search& search) {
  Candidate worst = one_to_everyone(search, 0);
  const int tiers = static_cast<int>(search.fabric().topology().tiers().size());
  for (int tier = tiers - 2; tier >= -1; --tier) {
    Candidate groups = by_groups(search, tier);
    worst.replace_if_worse(std::move(groups));
  }
  return search.bound_by(worst, false);
}

}  // namespace

Bandwidth Bound::algbw() const {
  return {static_cast<double>(numerator) / static_cast<double>(denominator)};
}

Seconds Bound::time(double bytes) const {
  if (bytes == 0 || denominator == 0) return {};
  return Seconds(bytes * static_cast<double>(denominator) / static_cast<double>(numerator));
}

Bound bound(const Fabric& fabric, Collective collective, Rank root) {
  if (fabric.world_size() == 1) return {};
  const Search search(fabric);
  switch (collective) {
    case Collective::allgather:
    case Collective::reduce_scatter:
      return everyone_to_everyone(search);
    case Collective::broadcast:
    case Collective::reduce:
      return search.bound_by(one_to_everyone(search, root), true);
    case Collective::scatter:
    case Collective::gather:
      return one_to_each(search, root);
    case Collective::allreduce:
      return combined_everywhere(search);
    case Collective::alltoall:
      return each_to_each(search);
    case Collective::barrier:
    case Collective::send:
    case Collective::recv:
      break;
  }
  return {};
}

}  // namespace motet
