// How long a collective takes on a fabric: the library's own schedules run with a clock instead of
// bytes. What is modelled and what is not: docs/simulator.md.
//
// Deterministic: the same arguments give the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "algorithms/algorithm.hpp"
#include "topology/fabric.hpp"

namespace motet {

// How messages share a link. fifo: one after the other, in the order in which they come to it.
// max_min: all at once, as fairly as possible along whole routes.
enum class LinkModel : std::uint8_t { fifo, max_min };

struct SimulationOptions {
  LinkModel links = LinkModel::fifo;
  // In which steps advance; 0: in one piece. Of messages that would have more than `most_blocks`
  // (0: any number) blocks are larger.
  std::size_t block_bytes = 0;
  int most_blocks = 0;
  // Receivers reach the memory of their own node alone: what comes from others is buffered,
  // whatever its mover.
  bool pulls_within_nodes_only = false;
  // Where fabric and schedules look alike from every node (or group, or rank), run one of them.
  bool fold = true;
  bool timeline = false;
};

// What one step did with one block. Of a message the sender's part begins when the first link takes
// it and ends when all of it has left, the receiver's begins with the first byte and ends when the
// block is where it belongs, reduced if it is to be.
struct Activity {
  Rank rank = 0;
  std::uint32_t step = 0;   // into the rank's schedule
  std::uint32_t block = 0;  // of the step
  Op op = Op::copy;
  Rank peer = -1;
  int tier = -1;  // the outermost of the links used
  Seconds begin{}, end{};
};

struct TierUse {
  Seconds time{};    // during which some link of the tier is at work
  double bytes = 0;  // of messages whose outermost link is of this tier, all ranks together
};

struct LinkUse {
  int link = -1;  // into Fabric::links(); -1: no message was sent
  Seconds busy{};
};

struct Simulation {
  Seconds time{};               // until the last rank is done
  std::vector<Seconds> finish;  // by rank
  std::vector<TierUse> tiers;   // as Topology::tiers()
  LinkUse busiest;
  std::uint64_t messages = 0;      // blocks of all ranks
  int simulated_ranks = 0;         // fewer than the world where it was folded
  std::vector<Activity> timeline;  // of the simulated ranks, if asked for; in the order of ends
};

// Problem and fabric have the same number of ranks. Of a `send` or `recv` problem root is the other
// rank of two, as in Problem. Throws Error{invalid_argument} where schedules do not match, and
// Error{unavailable} where ranks that exchange messages have no route.
Simulation simulate(const Fabric& fabric, const Algorithm& algorithm, const Problem& problem,
                    const SimulationOptions& options = {});
// The same for schedules at hand, one per rank; never folded.
Simulation simulate(const Fabric& fabric, std::span<const Schedule> schedules,
                    std::size_t element_bytes, const SimulationOptions& options = {});

}  // namespace motet
