// How long an algorithm should take on a known fabric: in closed form, from the messages of a few
// ranks. Mostly within a third of the simulator (tests/planner).
#pragma once

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "planner/cost.hpp"
#include "topology/fabric.hpp"

namespace motet {

// More pieces of a message gain less than they cost to simulate.
inline constexpr int most_pieces = 8;
// Of a message, where so many chunks are pieces already.
constexpr int most_blocks(int chunks) {
  return most_pieces > chunks ? most_pieces / chunks : 1;
}

// What an algorithm asks of the links around some ranks, counted once and priced for any number of
// chunks. Messages of a rank that wait for equally many received before them are a round; the n-th
// rounds of all ranks are taken to coincide.
class FabricTally {
 public:
  // Requires problem.fabric, of as many ranks, and algorithm.supports(problem); problem.params but
  // for `chunks`, which is taken as 1.
  FabricTally(const Algorithm& algorithm, const Problem& problem);

  // Chunks follow one another through the rounds, and so do blocks where what is sent on is what
  // was received.
  Prediction price(int chunks, std::size_t block_bytes) const;
  // That a simulation would have, of all ranks, about.
  double blocks_in_all(int chunks, std::size_t block_bytes) const;

 private:
  // On one link in one round.
  struct Load {
    int link = 0;
    double bytes = 0;
    double messages = 0;
  };
  struct Message {
    int turn = 0;  // into round_of_turn_
    int tier = 0;  // the outermost on its way
    Seconds latency{};
    double bytes = 0;
    std::size_t first_load = 0, end_load = 0;  // into routes_
  };
  // What the first piece needs from the first rank to the last.
  struct Way {
    Seconds latency{}, moving{};
    Seconds longest_round{};

    Seconds time() const { return latency + moving; }
  };

  void add(const Schedule& schedule, Rank me);
  void add_message(int turn, const Step& step, Rank me);
  double ranks_like(const Link& link, Rank rank) const;
  Seconds occupied(const Load& load, int pieces) const;
  int blocks_of(int chunks, std::size_t block_bytes) const;
  Way through_rounds(const std::vector<Seconds>& load_times) const;
  Way hop_by_hop(int pieces) const;

  const Fabric& fabric_;
  std::size_t element_bytes_;
  bool is_rooted_;
  bool goes_on_blockwise_ = true;
  bool chunks_wait_;          // for the round before, of the chunk before
  bool waits_first_ = false;  // some rank
  int depth_;                 // of the algorithm, in messages that follow one another
  double all_messages_ = 0;
  double largest_bytes_ = 0;                      // of a message
  std::vector<Rank> sample_;                      // ascending
  std::unordered_map<std::size_t, int> load_at_;  // by round and link: into loads_
  std::vector<Load> loads_;
  std::vector<int> routes_;  // loads
  std::vector<Message> messages_;
  std::vector<int> round_of_turn_;  // a turn is one rank's part of a round
  Seconds processor_{};             // of the busiest rank
};

}  // namespace motet
