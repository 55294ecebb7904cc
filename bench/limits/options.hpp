// What the command line asks for.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "cell.hpp"
#include "pair.hpp"
#include "report.hpp"
#include "side.hpp"
#include "timing.hpp"

namespace motet_limits {

struct Options {
  std::vector<std::string> rows;
  std::vector<Collective> collectives;
  std::vector<std::size_t> floor_sizes, bandwidth_sizes;  // bytes
  Mode mode = Mode::hot;
  Buffers buffers = Buffers::ordinary;
  double pass_ms = 20;  // for each variant, size or distance, in one of `passes` turns
  int passes = 3;
  Placing placing = Placing::anywhere;
  Format format = Format::table;
  bool all_variants = false;
};

// Either what is asked for, or the status to exit with at once.
struct Parsed {
  Options options;
  std::optional<int> exit_status;
};
Parsed parse(int argc, const char* const* argv, const std::vector<std::string>& row_names);

}  // namespace motet_limits
