// What hierarchical algorithms share: data is cut into strands, each a chunk of one of two shares,
// and each strand passes through the levels phase by phase, while the next one is a phase behind.
// So every tier's links are at work at once.
//
// The straight share climbs all levels. The share that goes around (params.around_percent) leaves
// out the level below the outermost: where that one's links are the narrow ones, the outermost
// carry part of its load. Each share has channels of its own, different ones up and down.
#pragma once

#include <algorithm>
#include <vector>

#include "algorithms/algorithm.hpp"
#include "algorithms/levels.hpp"
#include "algorithms/parts.hpp"

namespace motet {

// Levels exist, at least two, and three if some of the data goes around.
bool supports_levels(const Problem& problem);

// How one share of the data travels.
struct Route {
  Middle middle = Middle::used;
  std::vector<Group> levels;  // innermost first
  Via up, down;  // towards the outermost level, and back; two trees take four channels from `up` on

  int top() const { return static_cast<int>(levels.size()) - 1; }
};

// The straight one, and the one around if params ask for it.
std::vector<Route> routes(const Problem& problem, Rank me);

struct Strand {
  const Route* route;
  int chunk, chunks;
  int around_percent;

  // The piece of any slice that belongs to this strand; those of all strands make up the slice.
  Slice of(const Slice& slice) const;
};

// All strands, first chunks first. `routes` must outlive them.
std::vector<Strand> strands(const Params& params, const std::vector<Route>& routes);

int outermost_size(const Problem& problem);  // members of the outermost level
// Messages that follow one another on each level: `inner` on all but the outermost.
Rounds rounds_on_levels(const Problem& problem, int inner, int outermost);
void add_rounds(const Problem& problem, const Group& level, int count, Rounds& rounds);

// A Walk is one strand on its way: walk.phases() of them, each written by walk.advance(b, phase).
// Chunk c is in phase t - c at time t: written in the order in which they should run, older ones
// first.
template <class Walk>
void walk_one_behind_the_other(ScheduleBuilder& b, std::vector<Walk>& walks) {
  int end = 0;
  for (const Walk& walk : walks) end = std::max(end, walk.strand().chunk + walk.phases());
  for (int time = 0; time < end; ++time) {
    for (Walk& walk : walks) {
      const int phase = time - walk.strand().chunk;
      if (phase >= 0 && phase < walk.phases()) walk.advance(b, phase);
    }
  }
}

}  // namespace motet
