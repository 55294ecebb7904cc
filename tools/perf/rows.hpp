// What is to be measured, row by row.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "options.hpp"
#include "pattern.hpp"

namespace motet_perf {

// One line of the table, before it is measured.
struct Row {
  Shape shape;
  TypeRow type;
  OpRow op;
  bool wait_after = false;  // of a replayed step: for all calls that have begun
};

// In the order of the table; of a replay in that of the file. Throws std::invalid_argument where a
// call asked for needs more ranks.
std::vector<Row> rows_of(const Options& options, int ranks);

// The bytes of a block of memory that holds any row's input, or output, of `rank`.
std::size_t largest_buffer(std::span<const Row> rows, int rank);

}  // namespace motet_perf
