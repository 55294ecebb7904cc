#include "problems.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace motet {

namespace {

std::vector<std::size_t> counts(int n) {
  const auto ranks = static_cast<std::size_t>(n);
  std::vector<std::size_t> all{0, 1, ranks - 1, ranks, 61};
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

std::vector<Rank> roots(const Algorithm& algorithm, int n) {
  if (!has_root(algorithm.collective)) return {0};
  if (n > 8) return {0, 1, n - 1};
  std::vector<Rank> all(n);
  for (Rank rank = 0; rank < n; ++rank) all[rank] = rank;
  return all;
}

// Sizes that do not follow the ranks, some of them zero.
Parts ragged(std::size_t count, int n) {
  std::vector<std::size_t> sizes(n);
  for (int i = 0; i < n; ++i) sizes[i] = (count + 3 * static_cast<std::size_t>(i)) % 4;
  return Parts::each(sizes);
}

// One rank has everything.
Parts lone(std::size_t count, int n) {
  std::vector<std::size_t> sizes(n, 0);
  sizes[n / 2] = count;
  return Parts::each(sizes);
}

std::vector<Parts> divisions(Collective collective, std::size_t count, int n) {
  switch (collective) {
    case Collective::alltoall:  // everybody's row is the same only if all parts are
      return {Parts::uniform(count % 7, n)};
    case Collective::barrier:
      return {Parts::even(0, n)};
    case Collective::allgather:
    case Collective::reduce_scatter:
    case Collective::gather:
    case Collective::scatter:
      if (count < 61) return {Parts::even(count, n), ragged(count, n)};
      return {Parts::even(count, n), ragged(count, n), lone(count, n)};
    default:
      return {Parts::even(count, n)};
  }
}

std::vector<Params> settings(const Uses& uses) {
  const std::vector<int> one{1};
  const std::vector<Mover> either{Mover::either};
  std::vector<Params> all;
  for (const int chunks : uses.chunks ? std::vector{1, 2, 3, 7} : one) {
    for (const int channels : uses.channels ? std::vector{1, 2} : one) {
      for (const Mover mover : uses.mover ? std::vector{Mover::either, Mover::receiver} : either) {
        for (const int around : uses.around ? std::vector{0, 40} : std::vector{0}) {
          for (const int trees : uses.trees ? std::vector{0, 2} : std::vector{0}) {
            all.push_back({chunks, channels, mover, around, trees});
          }
        }
      }
    }
  }
  return all;
}

// All problems that differ in their flags and parameters only.
std::vector<Problem> variants(const Algorithm& algorithm, const Problem& plain) {
  std::vector<Problem> all;
  for (const bool in_place : {false, true}) {
    for (const bool commutative : {true, false}) {
      if (!commutative && !reduces(plain.collective)) continue;
      Problem problem = plain;
      problem.in_place = in_place;
      problem.commutative = commutative;
      for (const Params& params : settings(algorithm.uses)) {
        problem.params = params;
        if (algorithm.supports(problem)) all.push_back(problem);
      }
    }
  }
  return all;
}

bool point_to_point(Collective collective) {
  return collective == Collective::send || collective == Collective::recv;
}

// In order; dealt to the places of a node first, then to nodes; and with two packages to a node.
void add_pods(int nodes, int local, std::vector<Shape>& shapes) {
  const std::string size = fmt::format("2x{}x{}", nodes / 2, local);
  const Topology plain =
      Topology::from_text(fmt::format("2 pods x {} nodes x {}", nodes / 2, local));
  shapes.push_back({size, plain});
  if (local == 1) return;
  std::vector<Rank> dealt;
  for (int place = 0; place < local; ++place) {
    for (int node = 0; node < nodes; ++node) dealt.push_back(node * local + place);
  }
  shapes.push_back({"dealt_" + size, plain.subset(dealt)});
  if (local % 2 != 0 || local < 4) return;
  shapes.push_back({fmt::format("2x{}x2x{}", nodes / 2, local / 2),
                    Topology::from_text(
                        fmt::format("2 pods x {} nodes x 2 packages x {}", nodes / 2, local / 2))});
}

// Nodes are alike, pods are not.
void add_uneven_pods(int nodes, int local, std::vector<Shape>& shapes) {
  Tier node{"node", {}}, pod{"pod", {}};
  for (int rank = 0; rank < nodes * local; ++rank) {
    node.group_of.push_back(rank / local);
    pod.group_of.push_back(rank < local ? 0 : 1);
  }
  shapes.push_back({fmt::format("1+{}x{}", nodes - 1, local), Topology::from_tiers({node, pod})});
}

void add_even_shapes(int n, std::vector<Shape>& shapes) {
  for (int nodes = 2; nodes <= n; ++nodes) {
    if (n % nodes != 0) continue;
    const int local = n / nodes;
    shapes.push_back({fmt::format("{}x{}", nodes, local),
                      Topology::from_text(fmt::format("{} nodes x {}", nodes, local))});
    std::vector<int> dealt(n);
    for (Rank rank = 0; rank < n; ++rank) dealt[rank] = rank % nodes;
    if (local > 1) {
      shapes.push_back({fmt::format("dealt_{}x{}", nodes, local), Topology::from_nodes(dealt)});
    }
    if (nodes % 2 == 0 && nodes >= 4) add_pods(nodes, local, shapes);
    if (nodes == 3) add_uneven_pods(nodes, local, shapes);
  }
}

void add_uneven_shapes(int n, std::vector<Shape>& shapes) {
  for (const int first : {1, n / 3, n / 2 + 1}) {
    if (first < 1 || 2 * first == n || first >= n) continue;
    std::vector<int> nodes(n, 1);
    std::fill(nodes.begin(), nodes.begin() + first, 0);
    shapes.push_back({fmt::format("uneven_{}+{}", first, n - first), Topology::from_nodes(nodes)});
  }
}

}  // namespace

std::string Case::name() const {
  const Params& params = problem.params;
  std::string text = fmt::format("{}_{}_{}_count{}", motet::name(algorithm.collective),
                                 algorithm.name, shape.name, problem.parts.total());
  if (has_root(algorithm.collective)) text += fmt::format("_root{}", problem.root);
  if (problem.in_place) text += "_inplace";
  if (!problem.commutative) text += "_ordered";
  const Parts& parts = problem.parts;
  if (parts.count(parts.size() / 2) == parts.total() && parts.size() > 1 && parts.total() > 0) {
    text += "_lone";
  } else if (parts != Parts::even(parts.total(), parts.size())) {
    text += "_ragged";
  }
  if (params.chunks > 1) text += fmt::format("_chunks{}", params.chunks);
  if (params.channels > 1) text += fmt::format("_channels{}", params.channels);
  if (params.mover == Mover::receiver) text += "_receiver";
  if (params.around_percent > 0) text += fmt::format("_around{}", params.around_percent);
  if (params.trees > 0) text += fmt::format("_trees{}", params.trees);
  return text;
}

std::vector<Shape> flat_shape(int n) {
  return {{std::to_string(n), Topology::single_node(n)}};
}

std::vector<Shape> node_shapes(int n) {
  std::vector<Shape> shapes;
  add_even_shapes(n, shapes);
  add_uneven_shapes(n, shapes);
  return shapes;
}

void for_each_case(const Algorithm& algorithm, const Shape& shape,
                   const std::function<void(const Case&)>& visit) {
  const int n = shape.topology.world_size();
  if (point_to_point(algorithm.collective) && n != 2) return;
  for (const std::size_t count : counts(n)) {
    for (const Rank root : roots(algorithm, n)) {
      for (Parts& parts : divisions(algorithm.collective, count, n)) {
        const Problem plain{.topology = shape.topology,
                            .collective = algorithm.collective,
                            .parts = std::move(parts),
                            .root = root,
                            .params = {},
                            .fabric = shape.fabric};
        for (const Problem& problem : variants(algorithm, plain))
          visit({algorithm, shape, problem});
      }
    }
  }
}

void for_each_case(const std::function<void(const Case&)>& visit) {
  std::vector<int> sizes(17);
  for (int n = 1; n <= 17; ++n) sizes[n - 1] = n;
  sizes.push_back(32);
  for (const int n : sizes) {
    const std::vector<Shape> flat = flat_shape(n);
    const std::vector<Shape> nodes = node_shapes(n);
    for (const Algorithm& algorithm : algorithms()) {
      for (const Shape& shape : flat) for_each_case(algorithm, shape, visit);
      if (!algorithm.uses.topology) continue;
      for (const Shape& shape : nodes) for_each_case(algorithm, shape, visit);
    }
  }
}

std::vector<Schedule> build_all(const Algorithm& algorithm, const Problem& problem) {
  std::vector<Schedule> schedules;
  for (Rank rank = 0; rank < problem.world_size(); ++rank) {
    Problem mine = problem;
    const Algorithm* built = &algorithm;
    // Point to point `root` is the other one, who does the opposite.
    if (point_to_point(algorithm.collective) && rank == problem.root) {
      mine.collective =
          problem.collective == Collective::send ? Collective::recv : Collective::send;
      mine.root = 1 - problem.root;
      built = find_algorithm(mine.collective, algorithm.name);
    }
    schedules.push_back(build_schedule(*built, mine, rank));
  }
  return schedules;
}

}  // namespace motet
