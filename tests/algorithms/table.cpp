// Prints docs/algorithms.md from the list. A test compares; to renew: algorithm_table >
// docs/algorithms.md.
#include <fmt/format.h>

#include <algorithm>

#include "algorithms/list.hpp"

namespace motet {
namespace {

constexpr std::string_view head = R"(# Algorithms

<!-- Printed by algorithm_table from src/algorithms/list.cpp; renew it with
     build/release/tests/algorithms/algorithm_table > docs/algorithms.md -->

Every row is a pure function from a problem and a rank to a schedule, in `src/algorithms/<collective>_<name>.hpp`. All are
verified symbolically (`tests/algorithms`). `motet-perf --algorithm NAME` and the call's algorithm hint take these names;
without a hint the planner takes the one its model predicts to be fastest, of equals the one listed first.

- **world sizes**: where it exists.
- **rounds**: messages that follow one another, on 8, 12 and 64 ranks (with tiers: 2 x 4, 3 x 4 and 8 x 8).
- **keeps order**: operands are combined in the order of the ranks, so it serves operations that do not commute.
- **parameters**: what the planner may tune: chunks (pieces that follow one another), channels (independent streams), mover
  (large messages may be pulled by their receivers), around (a share of the data that leaves out the tier below the
  outermost), trees (of each root, where a fabric's are packed).

Below a table: what serves the v-form. Of an alltoallv, gatherv or scatterv each rank knows the lengths of its own messages
alone, so parts go straight to their owners.
)";

Problem problem_on(const Topology& topology, Collective collective) {
  return {.topology = topology,
          .collective = collective,
          .parts = Parts::uniform(4, topology.world_size()),
          .params = {}};
}

bool supported(const Algorithm& algorithm, const Topology& topology) {
  return algorithm.supports(problem_on(topology, algorithm.collective));
}

std::string world_sizes(const Algorithm& algorithm) {
  if (algorithm.uses.trees) return "fabric known; above 128 ranks only equal nodes";
  if (!supported(algorithm, Topology::single_node(4))) return "several tiers";
  return supported(algorithm, Topology::single_node(3)) ? "any" : "powers of two";
}

std::string rounds(const Algorithm& algorithm) {
  std::string text;
  for (const int node : {2, 3, 8}) {
    const int local = node == 8 ? 8 : 4;
    const Topology topology = algorithm.uses.topology
                                  ? Topology::from_text(fmt::format("{} nodes x {}", node, local))
                                  : Topology::single_node(node * local);
    const Problem problem = problem_on(topology, algorithm.collective);
    const Rounds taken = algorithm.rounds(problem);
    const bool exists = algorithm.supports(problem);
    text += text.empty() ? "" : ", ";
    text += exists ? fmt::format("{}", taken.within_nodes + taken.between_nodes) : "–";
  }
  return text;
}

std::string keeps_order(const Algorithm& algorithm) {
  if (!reduces(algorithm.collective)) return "";
  const Topology topology = Topology::single_node(4);
  Problem problem = problem_on(topology, algorithm.collective);
  problem.commutative = false;
  if (!algorithm.supports(problem)) return "no";
  problem.root = 1;
  return algorithm.supports(problem) ? "yes" : "root 0";
}

std::string parameters(const Uses& uses) {
  std::string text;
  const auto add = [&](bool used, std::string_view word) {
    if (used) text += fmt::format("{}{}", text.empty() ? "" : ", ", word);
  };
  add(uses.chunks, "chunks");
  add(uses.channels, "channels");
  add(uses.mover, "mover");
  add(uses.around, "around");
  add(uses.trees, "trees");
  return text;
}

bool has_v_form(Collective collective) {
  return all_know_counts(collective) || collective == Collective::alltoall ||
         collective == Collective::gather || collective == Collective::scatter;
}

// Those that serve parts of different lengths, which the ranks know as far as a v-form's do.
void print_v_form(Collective collective) {
  const Topology topology = Topology::from_text("2 nodes x 4");
  Problem problem = problem_on(topology, collective);
  if (!all_know_counts(collective)) problem.lengths = Lengths::known_to_ends;
  problem.parts = Parts::each(std::vector<std::size_t>{3, 0, 5, 1, 0, 0, 9, 2});
  std::string names, others;
  for (const Algorithm* algorithm : algorithms_for(collective)) {
    // Trees are packed on fabrics; whatever they are, parts may differ.
    std::string& list = algorithm->uses.trees || algorithm->supports(problem) ? names : others;
    list += fmt::format("{}`{}`", list.empty() ? "" : ", ", algorithm->name);
  }
  fmt::print("\n{}v: {}\n", name(collective), others.empty() ? "all of them" : names);
}

void print_collective(Collective collective) {
  fmt::print("\n## {}\n\n", name(collective));
  fmt::print("| algorithm | idea | world sizes | rounds | keeps order | parameters |\n");
  fmt::print("|---|---|---|---|---|---|\n");
  for (const Algorithm* algorithm : algorithms_for(collective)) {
    fmt::print("| `{}` | {} | {} | {} | {} | {} |\n", algorithm->name, algorithm->idea,
               world_sizes(*algorithm), rounds(*algorithm), keeps_order(*algorithm),
               parameters(algorithm->uses));
  }
  if (has_v_form(collective)) print_v_form(collective);
}

}  // namespace
}  // namespace motet

int main() {
  fmt::print("{}", motet::head);
  for (int i = 0; i < motet::collective_count; ++i) {
    motet::print_collective(static_cast<motet::Collective>(i));
  }
}
