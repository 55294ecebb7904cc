#include "plans.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "algorithms/levels.hpp"
#include "parts.hpp"
#include "planner/planner.hpp"

namespace motet_topo {
namespace {

using motet::Collective;
using motet::Rank;

constexpr int most_ranks_shown = 64;  // who talks to whom, of more, says nothing to people

constexpr std::array collectives{Collective::allreduce, Collective::allgather,
                                 Collective::reduce_scatter, Collective::broadcast,
                                 Collective::alltoall};
constexpr std::array<std::size_t, 4> sizes{8, 32 << 10, 1 << 20, 64 << 20};

motet::Problem problem_for(const motet::Topology& topology, Collective collective,
                           std::size_t bytes) {
  constexpr std::size_t element = 4;
  const int n = topology.world_size();
  const bool divided = collective == Collective::allgather || collective == Collective::alltoall ||
                       collective == Collective::reduce_scatter;
  const std::size_t count = bytes / element;
  return {.topology = topology,
          .collective = collective,
          .parts = divided ? motet::Parts::uniform(
                                 std::max<std::size_t>(1, count / static_cast<std::size_t>(n)), n)
                           : motet::Parts::even(count, n),
          .element_bytes = element,
          .params = {}};
}

std::vector<std::vector<Rank>> peers_of_all(const motet::Choice& choice, motet::Problem problem) {
  problem.params = choice.params;
  std::vector<std::vector<Rank>> peers_of;
  for (Rank rank = 0; rank < problem.world_size(); ++rank) {
    std::vector<Rank>& peers = peers_of.emplace_back();
    for (const motet::Step& step : build_schedule(*choice.algorithm, problem, rank).steps) {
      if (step.sends() && std::ranges::count(peers, step.peer) == 0) peers.push_back(step.peer);
    }
  }
  return peers_of;
}

std::string levels_text(const motet::Topology& topology) {
  std::vector<std::string> groups;
  for (const motet::Group& level : motet::levels(topology, 0)) {
    groups.push_back(ranks_text(level.members()));
  }
  return fmt::format("rank 0's groups: {}", fmt::join(groups, " | "));
}

std::string pattern_for(const motet::Choice& choice, const motet::Problem& problem) {
  if (choice.algorithm->uses.topology && has_levels(problem.topology)) {
    return levels_text(problem.topology);
  }
  if (problem.world_size() > most_ranks_shown) return "";
  return pattern_of(peers_of_all(choice, problem));
}

// The ranks from `start` on, each sending to the next alone; empty if there is another pattern.
std::vector<Rank> line_from(Rank start, const std::vector<std::vector<Rank>>& peers_of) {
  std::vector<Rank> line{start};
  while (line.size() <= peers_of.size()) {
    const auto& next = peers_of[static_cast<std::size_t>(line.back())];
    if (next.empty()) return line;
    if (next.size() > 1) return {};
    line.push_back(next.front());
    if (next.front() == start) return line;
  }
  return {};
}

template <class Act>
void for_each_problem(const View& view, Act&& act) {
  if (view.topology.world_size() == 1) return;
  for (const Collective collective : collectives) {
    for (const std::size_t bytes : sizes) act(problem_for(view.topology, collective, bytes), bytes);
  }
}

}  // namespace

std::string pattern_of(const std::vector<std::vector<Rank>>& peers_of) {
  const std::size_t n = peers_of.size();
  for (Rank start = 0; start < static_cast<Rank>(n); ++start) {
    const std::vector<Rank> line = line_from(start, peers_of);
    if (line.size() == n + 1) return fmt::format("ring {}", fmt::join(line, " > "));
    if (line.size() == n && n > 1) return fmt::format("chain {}", fmt::join(line, " > "));
  }
  std::size_t sends = 0, most = 0;
  std::vector<int> senders(n, 0);
  for (const auto& peers : peers_of) {
    sends += peers.size();
    most = std::max(most, peers.size());
    for (const Rank peer : peers) ++senders[static_cast<std::size_t>(peer)];
  }
  if (sends == n - 1 && *std::ranges::max_element(senders) == 1) {
    std::vector<std::string> inner;
    for (std::size_t rank = 0; rank < n; ++rank) {
      if (peers_of[rank].empty()) continue;
      inner.push_back(fmt::format("{} > {}", rank, fmt::join(peers_of[rank], " ")));
    }
    return fmt::format("tree {}", fmt::join(inner, ", "));
  }
  if (sends == n * (n - 1)) return "every rank to every other";
  const bool alike = std::ranges::all_of(peers_of, [&](const auto& p) { return p.size() == most; });
  if (alike)
    return fmt::format("every rank to {} others; rank 0 to {}", most, fmt::join(peers_of[0], " "));
  return fmt::format("up to {} peers; rank 0 to {}", most, fmt::join(peers_of[0], " "));
}

std::vector<Plan> plans_for(const View& view) {
  std::vector<Plan> plans;
  const motet::Planner planner(view.machine, view.tuning);
  for_each_problem(view, [&](const motet::Problem& problem, std::size_t bytes) {
    const motet::Choice choice = planner.choose(problem);
    plans.push_back({problem.collective, bytes, std::string(choice.algorithm->name),
                     choice.predicted.total().count() * 1e6, pattern_for(choice, problem)});
  });
  return plans;
}

std::string explanations(const View& view) {
  std::string text;
  const motet::Planner planner(view.machine, view.tuning);
  for_each_problem(view, [&](const motet::Problem& problem, std::size_t) {
    text += planner.explain(problem) + "\n";
  });
  return text;
}

}  // namespace motet_topo
