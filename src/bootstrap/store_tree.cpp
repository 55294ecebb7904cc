#include "bootstrap/store_tree.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace motet {
namespace {

std::string get(const StoreTree& tree, const std::string& key, Rank from,
                const Deadline& deadline) {
  try {
    return tree.store.get(key, deadline);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::timeout) throw;
    throw Error(ErrorCode::timeout, fmt::format("rank {}: {}: rank {} did not come: {}", tree.rank,
                                                tree.name, from, error.what()));
  }
}

}  // namespace

// A rank whose lowest bit is `bit` holds the words of the `bit` ranks from itself on when it hands
// them to the rank that many below.
std::string combine_all(const StoreTree& tree, std::string mine,
                        const std::function<std::string(std::string, const std::string&)>& combine,
                        const Deadline& deadline) {
  const auto key = [&](Rank rank) { return fmt::format("{}/tree/{}", tree.name, rank); };
  int bit = 1;
  for (; bit < tree.world_size && (tree.rank & bit) == 0; bit *= 2) {
    const Rank child = tree.rank + bit;
    if (child >= tree.world_size) continue;
    mine = combine(std::move(mine), get(tree, key(child), child, deadline));
  }
  if (tree.world_size == 1) return mine;
  const std::string all = fmt::format("{}/tree/all", tree.name);
  if (tree.rank == 0) {
    tree.store.set(all, mine);
    return mine;
  }
  tree.store.set(key(tree.rank), mine);
  return get(tree, all, 0, deadline);
}

}  // namespace motet
