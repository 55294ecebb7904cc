// A collective algorithm: a value that builds any rank's schedule for a problem it supports.
// To add one: a file and a row in list.hpp. The list feeds the planner, the proofs, the benchmark and the docs.
#pragma once

#include <string_view>

#include "schedule/builder.hpp"
#include "schedule/problem.hpp"

namespace motet {

// Which parameters an algorithm reads; the others are not tuned and not multiplied in the proofs.
struct Uses {
  bool chunks = false;
  bool channels = false;
  bool mover = false;
};

struct Algorithm {
  std::string_view name;
  Collective collective;
  Uses uses;
  bool (*supports)(const Problem& problem);
  // Deterministic: depends on its arguments alone. Requires supports(problem).
  void (*build)(const Problem& problem, Rank me, ScheduleBuilder& b);
  std::string_view idea;  // one sentence for docs and explain
};

inline bool any_problem(const Problem&) { return true; }

// The schedule of one rank.
Schedule build_schedule(const Algorithm& algorithm, const Problem& problem, Rank me);

}  // namespace motet
