// The rows of the program: each measures one limit over its axes.
#pragma once

#include <array>
#include <string_view>

#include "options.hpp"

namespace motet_limits {

// What a row works with; one for each rank.
struct Bench {
  Pair& pair;
  const Arena& arena;
  const Options& options;
  Report& report;

  // Rank 0 speaks for both.
  void print(const Line& line) const {
    if (pair.rank() == 0) report.add(line);
  }
  Pace pace() const { return {options.pass_ms * options.passes}; }
};

// Collective. They throw std::exception; the other rank is then ended.
void measure_line(const Bench& bench);
void measure_flag(const Bench& bench);
void measure_copy(const Bench& bench);
void measure_reduce(const Bench& bench);
void measure_readv(const Bench& bench);
void measure_wake(const Bench& bench);
void measure_floors(const Bench& bench);

// What a line takes from core to core, ns. Collective.
double line_ns_one_way(Pair& pair, const Pace& pace);

struct Row {
  std::string_view name;
  void (*measure)(const Bench& bench);
};

inline constexpr std::array all_rows{Row{"line", measure_line},   Row{"flag", measure_flag},
                                     Row{"copy", measure_copy},   Row{"reduce", measure_reduce},
                                     Row{"readv", measure_readv}, Row{"wake", measure_wake},
                                     Row{"floor", measure_floors}};

}  // namespace motet_limits
