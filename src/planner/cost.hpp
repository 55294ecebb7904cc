// How long an algorithm should take: latency, per-message overhead, copies and reductions counted
// in the schedules themselves, and what it costs when ranks share cores. A pure function of values
// that all ranks agree on.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "algorithms/algorithm.hpp"
#include "base/units.hpp"
#include "planner/time_table.hpp"

namespace motet {

enum class TransportClass { shared_memory, network };

// What the ranks run on. The same on every rank.
struct Machine {
  int cores_per_node = 1;  // that the ranks of one node may use together
  int nodes_sharing = 1;   // so many nodes use the same ones: containers, or tcp on one machine
  TransportClass within_nodes = TransportClass::shared_memory;
  TransportClass between_nodes = TransportClass::network;
  bool holds_all_nodes = false;  // they are on one machine: nothing passes a wire
  // How fast a node sends to others, all its ranks together, and receives from them; measured
  // between two ranks, and known where it is less than what processors do.
  std::optional<Bandwidth> nic{};
};

struct LinkCost {
  Seconds latency{};  // from the end of the send to the start of the receive
  TimeTable message;  // of the processor, at each end
  Seconds crowded{};  // of each block, in addition, where ranks share cores: others come between
  bool publishes = false;  // sending one slice to several peers in a row copies it once

  bool operator==(const LinkCost&) const = default;
};

struct CostModel {
  LinkCost shared_memory, network;
  TimeTable copy, reduce;  // of the processor; reduce: float32 sum
  // By type: how many times as slowly as float32 it reduces as many bytes.
  std::array<double, data_type_count> type_factor = all_alike();
  Seconds context_switch{};
  std::optional<Bandwidth> nic{};  // takes the place of the machine's

  // Of servers in general; motet-tune measures those of one.
  static CostModel typical();
  // With `reduce` of that type.
  CostModel for_type(DataType type) const;
  bool operator==(const CostModel&) const = default;

 private:
  static constexpr std::array<double, data_type_count> all_alike() {
    std::array<double, data_type_count> factors{};
    factors.fill(1);
    return factors;
  }
};

struct Prediction {
  Seconds latency{};    // rounds that follow one another
  Seconds work{};       // of the busiest rank, or of all ranks that share the cores
  Seconds switching{};  // between ranks that share cores, whenever one has to wait

  Seconds total() const { return latency + work + switching; }
  // By more than rounding: sums in another order are a tie.
  bool is_shorter_than(const Prediction& other) const {
    return total() < other.total() * (1 - 1e-9);
  }
};

// Of all parts together.
inline std::size_t total_bytes(const Problem& problem) {
  return problem.parts.total() * problem.element_bytes;
}

// What the ranks of a node share on their way to others: the model's, else the machine's, which may
// differ from run to run and therefore counts only where the bits of a result may. Nothing on a
// fabric, which says more, and on one node.
std::optional<Bandwidth> nic_of(const Problem& problem, const Machine& machine,
                                const CostModel& model);

// What the ranks of one node, of that where it is most, send to other nodes together, or receive
// from them.
struct NicLoad {
  double bytes = 0;    // headers included
  double longest = 0;  // of these messages

  // How long the NIC takes. Long messages that are not cut into chunks share links unevenly, which
  // leaves them idle at times.
  Seconds on(Bandwidth nic, int chunks) const;
};
// Builds the schedules of whole nodes.
NicLoad busiest_nic(const Algorithm& algorithm, const Problem& problem);

// Whether more ranks than cores are busy where it is tightest.
bool shares_cores(const Problem& problem, const Machine& machine);

// What an algorithm has the ranks do, counted once and priced often.
class Tally {
 public:
  // `problem.params` are those to predict for. Requires algorithm.supports(problem), whose topology
  // must outlive this.
  Tally(const Algorithm& algorithm, const Problem& problem);

  // Blocks of `block_bytes` overlap.
  Prediction price(std::size_t block_bytes, const Machine& machine, const CostModel& model) const;

 private:
  struct Part {
    Rank rank;
    Schedule schedule;
  };

  Problem problem_;
  Rounds rounds_;
  std::vector<Part> parts_;  // of a sample of the ranks; the first is the root's, or rank 0's
};

Prediction predict(const Algorithm& algorithm, const Problem& problem, std::size_t block_bytes,
                   const Machine& machine, const CostModel& model);

}  // namespace motet
