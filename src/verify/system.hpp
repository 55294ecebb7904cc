// The schedules of all ranks as one graph: every step is a node, matched messages join the ranks.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "schedule/problem.hpp"
#include "schedule/schedule.hpp"

namespace motet {

using Node = std::uint32_t;
inline constexpr Node no_node = UINT32_MAX;

// The k-th send on (from, to, channel) and the k-th receive.
struct Message {
  Node send = no_node;
  Node recv = no_node;
  bool follows_previous = false;  // the message before it in System::messages is on its channel

  bool operator==(const Message&) const = default;
};

// Both schedules and problems stay the caller's.
struct System {
  // One problem, or one for each rank.
  System(std::span<const Problem> problems, const std::vector<Schedule>& schedules);

  const Problem& problem;  // but for its parts where each rank has its own
  std::span<const Problem> problems;
  const std::vector<Schedule>& schedules;
  std::vector<Node> first_node;   // by rank; one more for the end
  std::vector<Rank> rank_of;      // by node
  std::vector<Message> messages;  // those of one (from, to, channel) one after the other; see match

  std::size_t node_count() const { return rank_of.size(); }
  int world_size() const { return static_cast<int>(schedules.size()); }
  const Problem& problem_of(Rank rank) const {
    return problems[problems.size() == 1 ? 0 : static_cast<std::size_t>(rank)];
  }
  std::uint32_t index_of(Node node) const {
    return node - first_node[static_cast<std::size_t>(rank_of[node])];
  }
  const Step& step(Node node) const {
    return schedules[static_cast<std::size_t>(rank_of[node])].steps[index_of(node)];
  }
  // "rank 2 step 5 (send to 3: output[0..4))"
  std::string describe(Node node) const;
};

// The checks; each gives "" or what is wrong, and relies on those before it.

// Slices lie in their buffers, input is only read, peers exist, dependencies point backwards.
std::string check_well_formed(const System& system);
// Fills system.messages; both ends agree on count and mover.
std::string match(System& system);
// Every two steps of a rank that conflict are ordered by dependencies, block by block too.
std::string check_races(const System& system);
// Nothing hangs, for any number of blocks. Fills `order` with all nodes in an order in which one
// block each can run; both ends of a rendezvous stand side by side.
std::string check_order(const System& system, std::vector<Node>& order);
// The postcondition, by symbols.
std::string check_result(const System& system, const std::vector<Node>& order);
// Nobody leaves before everybody has come.
std::string check_barrier(const System& system, const std::vector<Node>& order);

}  // namespace motet
