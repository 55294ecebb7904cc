// A collective algorithm: a value that builds any rank's schedule for a problem it supports.
// To add one: a file, and its include and row in list.cpp. The list feeds the planner, the proofs,
// the benchmark and the docs.
#pragma once

#include <bit>
#include <string_view>

#include "schedule/builder.hpp"
#include "schedule/problem.hpp"

namespace motet {

// Which parameters an algorithm reads; the others are not tuned and not multiplied in the proofs.
struct Uses {
  bool chunks = false;
  bool channels = false;
  bool mover = false;
  bool around = false;  // around_percent, on three levels or more
  bool trees = false;
  bool topology = false;  // not a parameter: where ranks sit changes the schedule
};

// Messages that follow one another on the longest way through an algorithm: what latency it pays.
struct Rounds {
  int within_nodes = 0;
  int between_nodes = 0;
};

struct Algorithm {
  std::string_view name;
  Collective collective;
  Uses uses;
  bool (*supports)(const Problem& problem);
  // Deterministic: depends on its arguments alone. Requires supports(problem).
  void (*build)(const Problem& problem, Rank me, ScheduleBuilder& b);
  Rounds (*rounds)(const Problem& problem);
  std::string_view idea;  // one sentence for docs and explain
};

// What algorithms say in `supports`.
inline bool any_problem(const Problem&) {
  return true;
}
inline bool commutative(const Problem& problem) {
  return problem.commutative;
}
// What goes through other ranks than its two ends.
inline bool lengths_known_to_all(const Problem& problem) {
  return problem.lengths == Lengths::known_to_all;
}
inline bool equal_parts(const Problem& problem) {
  return lengths_known_to_all(problem) &&
         problem.parts == Parts::uniform(problem.parts.count(0), problem.world_size());
}
inline bool power_of_two(const Problem& problem) {
  return std::has_single_bit(static_cast<unsigned>(problem.world_size()));
}
// There are several nodes, and not each has one rank alone.
inline bool has_leaders(const Problem& problem) {
  const int nodes = problem.topology.node_count();
  return nodes > 1 && nodes < problem.world_size();
}

// `count` rounds that heed no node's borders.
inline Rounds flat_rounds(const Problem& problem, int count) {
  return problem.topology.node_count() > 1 ? Rounds{0, count} : Rounds{count, 0};
}
// ceil(log2 n): the rounds in which everybody can have heard from everybody.
inline int doublings(int n) {
  return std::bit_width(static_cast<unsigned>(n - 1));
}

// The schedule of one rank.
Schedule build_schedule(const Algorithm& algorithm, const Problem& problem, Rank me);

}  // namespace motet
