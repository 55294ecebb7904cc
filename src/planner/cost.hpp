// How long an algorithm should take: latency, per-message overhead, copies and reductions counted
// in the schedules themselves, and what it costs when ranks share cores. A pure function of values
// that all ranks agree on.
#pragma once

#include <cstddef>

#include "algorithms/algorithm.hpp"
#include "base/units.hpp"

namespace motet {

enum class TransportClass { shared_memory, network };

// What the ranks run on. The same on every rank.
struct Machine {
  int cores_per_node = 1;  // that the ranks of one node may use together
  TransportClass within_nodes = TransportClass::shared_memory;
  TransportClass between_nodes = TransportClass::network;
};

struct LinkCost {
  Seconds latency;   // from the end of the send to the start of the receive
  Seconds overhead;  // of the processor, per message and end
  Seconds per_byte;  // of the processor, at each end
  bool publishes;    // sending one slice to several peers in a row copies it once
};

struct CostModel {
  LinkCost shared_memory, network;
  Seconds copy_per_byte, reduce_per_byte;
  Seconds context_switch;

  static CostModel typical();
};

struct Prediction {
  Seconds latency{};    // rounds that follow one another
  Seconds work{};       // of the busiest rank, or of all ranks that share the cores
  Seconds switching{};  // between ranks that share a core

  Seconds total() const { return latency + work + switching; }
};

// `problem.params` are those to predict for; blocks of `block_bytes` overlap. Requires
// algorithm.supports(problem).
Prediction predict(const Algorithm& algorithm, const Problem& problem, std::size_t block_bytes,
                   const Machine& machine, const CostModel& model);

}  // namespace motet
