#include "names.hpp"

#include <numeric>

#include "algorithms/list.hpp"

namespace motet_tune {

std::vector<std::string> algorithm_names(const motet_perf::Shape& shape, bool shares_memory) {
  const bool in_parts = shape.row.whole == motet_perf::Whole::parts;
  std::vector<int> nodes(static_cast<std::size_t>(shape.ranks), 0);
  if (!shares_memory) std::iota(nodes.begin(), nodes.end(), 0);
  const auto topology = motet::Topology::from_nodes(nodes);
  const motet::Problem problem{.topology = topology,
                               .collective = static_cast<motet::Collective>(shape.row.collective),
                               .parts = in_parts ? motet::Parts::uniform(shape.count, shape.ranks)
                                                 : motet::Parts::even(shape.count, shape.ranks),
                               .params = {}};
  std::vector<std::string> found;
  for (const motet::Algorithm* algorithm : motet::algorithms_for(problem.collective)) {
    if (algorithm->supports(problem)) found.emplace_back(algorithm->name);
  }
  return found;
}

}  // namespace motet_tune
