// motet-limits: what two processes of this machine can do, against which collectives are judged. It
// knows nothing of the library. The steps are parse, map what both share, fork, measure row by row.
#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "rows.hpp"

namespace motet_limits {
namespace {

std::vector<std::string> row_names() {
  std::vector<std::string> names;
  names.reserve(all_rows.size());
  for (const Row& row : all_rows) names.emplace_back(row.name);
  return names;
}

void measure_rows(Pair& pair, const Arena& arena, const Options& options) {
  Report report(options.format);
  const Bench bench{pair, arena, options, report};
  for (const std::string& wanted : options.rows)
    for (const Row& row : all_rows)
      if (row.name == wanted) row.measure(bench);
}

int start(const Options& options) {
  const Arena arena(std::ranges::max(options.floor_sizes));
  return run_pair(options.placing, [&](Pair& pair) { measure_rows(pair, arena, options); });
}

}  // namespace
}  // namespace motet_limits

int main(int argc, char** argv) {
  using namespace motet_limits;
  const Parsed parsed = parse(argc, argv, row_names());
  if (parsed.exit_status) return *parsed.exit_status;
  try {
    return start(parsed.options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "motet-limits: {}\n", error.what());
    return 1;
  }
}
