// What the planner would do on this topology, and who then talks to whom.
#pragma once

#include <string>
#include <vector>

#include "view.hpp"

namespace motet_topo {

struct Plan {
  motet::Collective collective{};
  std::size_t bytes = 0;  // of all parts together
  std::string algorithm;
  double predicted_us = 0;
  std::string pattern;  // "ring 0 > 1 > 2 > 3 > 0"
};

// Some collectives at some sizes. None for one rank.
std::vector<Plan> plans_for(const View& view);

// The planner's own explanation of each of them.
std::string explanations(const View& view);

// Who sends to whom, in words: by rank, the peers it sends to, in order and each once.
std::string pattern_of(const std::vector<std::vector<motet::Rank>>& peers_of);

}  // namespace motet_topo
