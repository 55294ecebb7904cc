// One word out of those of all ranks, through a Store, in O(log n) calls of each rank.
#pragma once

#include <functional>
#include <string>

#include "base/deadline.hpp"
#include "base/types.hpp"
#include "bootstrap/store.hpp"

namespace motet {

// Which rank this is, and under which names it leaves its words: no two calls over one store may
// have the same.
struct StoreTree {
  Store& store;
  std::string name;
  Rank rank = 0;
  int world_size = 1;
};

// Every rank gives a word and gets combine(... combine(combine(word 0, word 1), ...)), combined by
// neighbours along a binomial tree; `combine` is associative, its arguments are words of ranks that
// follow one another. Collective. Throws Error{timeout} naming a rank that did not come.
std::string combine_all(const StoreTree& tree, std::string mine,
                        const std::function<std::string(std::string, const std::string&)>& combine,
                        const Deadline& deadline);

}  // namespace motet
