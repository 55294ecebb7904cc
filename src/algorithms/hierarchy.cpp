#include "algorithms/hierarchy.hpp"

namespace motet {

namespace {

constexpr int channels_of_a_route = 4;  // as many as two trees want

Route route(const Problem& problem, Rank me, Middle middle) {
  const int first = middle == Middle::used ? 0 : channels_of_a_route;
  const Mover mover = problem.params.mover;
  return {.middle = middle,
          .levels = levels(problem.topology, me, middle),
          .up = {static_cast<Channel>(first), mover},
          .down = {static_cast<Channel>(first + 1), mover}};
}

}  // namespace

bool supports_levels(const Problem& problem) {
  if (!has_levels(problem.topology)) return false;
  return level_count(problem.topology) >= (problem.params.around_percent > 0 ? 3 : 2);
}

std::vector<Route> routes(const Problem& problem, Rank me) {
  std::vector<Route> all{route(problem, me, Middle::used)};
  if (problem.params.around_percent > 0) all.push_back(route(problem, me, Middle::left_out));
  return all;
}

Slice Strand::of(const Slice& slice) const {
  const std::size_t around = slice.count * static_cast<std::size_t>(around_percent) / 100;
  const std::size_t straight = slice.count - around;
  const bool is_straight = route->middle == Middle::used;
  const Slice share = is_straight ? slice.sub(0, straight) : slice.sub(straight, around);
  return share.piece(chunk, chunks);
}

std::vector<Strand> strands(const Params& params, const std::vector<Route>& routes) {
  std::vector<Strand> all;
  for (int chunk = 0; chunk < params.chunks; ++chunk) {
    for (const Route& route : routes) {
      all.push_back({&route, chunk, params.chunks, params.around_percent});
    }
  }
  return all;
}

int outermost_size(const Problem& problem) {
  return levels(problem.topology, 0).back().size();
}

void add_rounds(const Problem& problem, const Group& level, int count, Rounds& rounds) {
  const Topology& topology = problem.topology;
  const bool inside = topology.node_of(level.at(0)) == topology.node_of(level.at(1));
  (inside ? rounds.within_nodes : rounds.between_nodes) += count;
}

Rounds rounds_on_levels(const Problem& problem, int inner, int outermost) {
  Rounds rounds;
  const std::vector<Group> groups = levels(problem.topology, 0);
  for (const Group& level : groups) {
    add_rounds(problem, level, &level == &groups.back() ? outermost : inner, rounds);
  }
  return rounds;
}

}  // namespace motet
