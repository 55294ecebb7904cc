#include "topology/flow/symmetry.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace motet {
namespace {

// How many ranks a child of the tiers' groups has, innermost first.
std::vector<int> child_sizes(const TopologyShape& shape) {
  std::vector<int> sizes{1};
  std::int64_t size = shape.ranks;
  for (auto level = shape.levels.rbegin(); level != shape.levels.rend(); ++level) {
    sizes.push_back(static_cast<int>(size));
    size *= level->count;
  }
  sizes.push_back(static_cast<int>(size));  // of the world, for the size of its group
  return sizes;
}

// The innermost tier whose groups' children may be permuted.
int first_free_tier(const FabricDescription& fabric) {
  int free = 0;
  for (const Join& join : fabric.joins) {
    if (join.kind == Join::Kind::edge) free = std::max(free, join.tier + 1);
  }
  return free;
}

}  // namespace

std::vector<Rank> alike(const Fabric& fabric, std::optional<Rank> fixed) {
  std::vector<Rank> ranks(fabric.world_size());
  std::iota(ranks.begin(), ranks.end(), 0);
  if (!fabric.description().shape) return ranks;  // perhaps uneven, perhaps dealt
  const std::vector<int> sizes = child_sizes(*fabric.description().shape);
  const int free = first_free_tier(fabric.description());
  const auto place = [&](Rank rank, int tier) { return rank % sizes[tier + 1] / sizes[tier]; };
  std::map<std::vector<int>, Rank> seen;
  for (Rank& rank : ranks) {
    std::vector<int> key;
    for (int tier = 0; tier + 1 < static_cast<int>(sizes.size()); ++tier) {
      const int own = place(rank, tier);
      if (tier < free) {
        key.push_back(own);
      } else if (fixed) {
        key.push_back(own == place(*fixed, tier) ? 0 : 1);
      }
    }
    rank = seen.try_emplace(std::move(key), rank).first->second;
  }
  return ranks;
}

std::vector<Rank> representatives(const Fabric& fabric, std::optional<Rank> fixed) {
  std::vector<Rank> ranks = alike(fabric, fixed);
  std::sort(ranks.begin(), ranks.end());
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  return ranks;
}

}  // namespace motet
