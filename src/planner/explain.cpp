// The table of Planner::explain.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "planner/planner.hpp"
#include "topology/fabric.hpp"

namespace motet {
namespace {

double us(Seconds time) {
  return time.count() * 1e6;
}

// What the loser has most more of than the winner.
std::string why_lost(const Prediction& loser, const Prediction& winner, bool on_fabric) {
  const Seconds latency = loser.latency - winner.latency;
  const Seconds work = loser.work - winner.work;
  const Seconds switching = loser.switching - winner.switching;
  if (loser.total() <= winner.total()) return "as fast, but later in the list";
  const Seconds most = std::max({latency, work, switching});
  if (most == work) {
    return fmt::format("{:.2f} us more {}", us(work),
                       on_fabric ? "on links and processors" : "moving, copying and reducing");
  }
  if (most == latency) return fmt::format("{:.2f} us more latency: more rounds", us(latency));
  return fmt::format("{:.2f} us more switching between ranks that share a core", us(switching));
}

std::string surroundings(const Problem& problem, const Machine& machine, const CostModel& model) {
  if (problem.fabric != nullptr) return "fabric " + problem.fabric->name();
  std::string cores =
      machine.nodes_sharing > 1
          ? fmt::format("{} core(s) for {} nodes", machine.cores_per_node, machine.nodes_sharing)
          : fmt::format("{} core(s) per node", machine.cores_per_node);
  const auto nic = nic_of(problem, machine, model);
  if (!nic) return cores;
  return fmt::format("{}, {:.3g} GB/s from node to node ({})", cores, nic->gigabytes_per_second(),
                     model.nic ? "as the tuning has it" : "measured when the job began");
}

std::string headline(const Problem& problem, const Machine& machine, const CostModel& model,
                     Seconds bound) {
  std::string text =
      fmt::format("{} of {} bytes on {} ranks, {} node(s), {}\n", name(problem.collective),
                  total_bytes(problem), problem.world_size(), problem.topology.node_count(),
                  surroundings(problem, machine, model));
  if (bound > Seconds()) {
    text += fmt::format("   {:<22} {:>12.2f} us: no algorithm takes less{}\n", "bound", us(bound),
                        problem.fabric == nullptr ? ", as the model has it" : "");
  }
  return text;
}

std::string parameters(const Choice& choice) {
  std::string text = fmt::format("blocks of {} KiB", choice.block_bytes / 1024);
  const Uses& uses = choice.algorithm->uses;
  if (uses.chunks) text += fmt::format(", chunks {}", choice.params.chunks);
  if (uses.channels) text += fmt::format(", channels {}", choice.params.channels);
  if (uses.around && choice.params.around_percent > 0) {
    text += fmt::format(", around {} %", choice.params.around_percent);
  }
  return text;
}

// What the lines of a table have in common.
struct Table {
  const Choice& best;
  Seconds bound;
  bool on_fabric;
};

std::string line(const Table& table, const Choice& choice, bool is_preferred = false) {
  const auto& [best, bound, on_fabric] = table;
  const Prediction& time = choice.predicted;
  const bool won = choice.algorithm == best.algorithm;
  const std::string measured =
      choice.measured ? fmt::format(", measured {:.2f}", us(*choice.measured)) : "";
  const std::string why = !won            ? why_lost(time, best.predicted, on_fabric)
                          : !is_preferred ? "chosen, " + parameters(choice)
                                          : "preferred by the tuning, " + parameters(choice);
  const std::string share =
      bound > Seconds() ? fmt::format(" ({:.0f} % of bound)", 100 * (bound / time.total())) : "";
  const std::string parts =
      on_fabric ? fmt::format("links {:.2f}", us(time.work))
                : fmt::format("work {:.2f} + switching {:.2f}", us(time.work), us(time.switching));
  return fmt::format("{} {:<22} {:>12.2f} us{} = latency {:.2f} + {}{}; {}\n", won ? "->" : "  ",
                     choice.algorithm->name, us(time.total()), share, us(time.latency), parts,
                     measured, why);
}

}  // namespace

std::string Planner::explain(const Problem& problem, DataType type) const {
  const Expectation expected = expect(problem, {.algorithm = {}, .type = type});
  const Choice& best = expected.choice;
  std::vector<Choice> others;
  std::string left_out;
  for (const Algorithm* algorithm : algorithms_for(problem.collective)) {
    if (algorithm == best.algorithm) continue;
    if (!algorithm->supports(problem)) {
      left_out += fmt::format("   {:<22} does not support this problem\n", algorithm->name);
    } else if (!is_quickly_built(*algorithm, problem)) {
      left_out += fmt::format(
          "   {:<22} not considered: packing its trees takes seconds; name it\n", algorithm->name);
    } else {
      others.push_back(consider(*algorithm, problem, type));
    }
  }
  std::ranges::stable_sort(others, {}, [](const Choice& c) { return c.predicted.total(); });
  std::string text = headline(problem, machine_, tuning_.model, expected.bound);
  const Table table{best, expected.bound, problem.fabric != nullptr};
  text += line(table, best, preference(problem) != nullptr);
  for (const Choice& choice : others) text += line(table, choice);
  return text + left_out;
}

}  // namespace motet
