// How long an algorithm should take on a known fabric: in closed form, from the messages of a few
// ranks, in milliseconds also for thousands of ranks. Within some ten percent of the simulator
// where tiers are symmetric (tests/planner); the simulator judges where it can be afforded.
#pragma once

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "planner/cost.hpp"
#include "topology/fabric.hpp"

namespace motet {

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
  // That a simulation would have, of all ranks, in one chunk and without blocks.
  double messages() const { return all_messages_; }

 private:
  // On one link in one round.
  struct Load {
    int link = 0;
    double bytes = 0;
    int messages = 0;
  };
  struct Message {
    int turn = 0;  // into round_of_turn_
    int tier = 0;  // the outermost on its way
    Seconds latency{};
    double bytes = 0;
    std::size_t first_load = 0, end_load = 0;  // into routes_
  };
  void add(const Schedule& schedule, Rank me);
  void add_message(int turn, Rank me, const Step& step);
  Seconds occupied(const Load& load, int pieces) const;
  // What the first piece needs from the first rank to the last.
  struct Way {
    Seconds latency{}, moving{};
    Seconds longest_round{};

    Seconds time() const { return latency + moving; }
  };
  Way through_rounds(const std::vector<Seconds>& load_times) const;
  Way hop_by_hop(int pieces) const;
  int blocks_of(int chunks, std::size_t block_bytes) const;

  const Fabric& fabric_;
  std::size_t element_bytes_;
  bool goes_on_blockwise_ = true;
  bool chunks_wait_ = false;  // for the round before, of the chunk before
  bool waits_first_ = false;  // some rank
  int depth_;                 // of the algorithm, in messages that follow one another
  double all_messages_ = 0;
  double largest_bytes_ = 0;                    // of a message
  std::map<std::pair<int, int>, int> load_at_;  // round, link; into loads_
  std::vector<Load> loads_;
  std::vector<int> routes_;  // loads
  std::vector<Message> messages_;
  std::vector<int> round_of_turn_;  // a turn is one rank's part of a round
  Seconds processor_{};             // of the busiest rank
};

struct FabricPlan {
  Params params;
  Prediction predicted;
  bool is_simulated = false;  // else in closed form
};

// The best parameters by the closed form, starting from problem.params. Requires what FabricTally
// does; an object of its own so that what was found out need not be found twice.
class ClosedForm {
 public:
  ClosedForm(const Algorithm& algorithm, const Problem& problem, std::size_t block_bytes);

  const FabricPlan& best() const { return plan_; }
  double messages() const { return messages_; }  // that a simulation of it would have

 private:
  void look_at(const Algorithm& algorithm, const Problem& problem);

  std::size_t block_bytes_;
  FabricPlan plan_;
  double messages_ = 0;
};

// The same, and how long it takes with them by the simulator if that has to look at few enough
// messages.
FabricPlan plan_on_fabric(const Algorithm& algorithm, const Problem& problem,
                          std::size_t block_bytes);

}  // namespace motet
