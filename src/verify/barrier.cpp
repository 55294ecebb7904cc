// A barrier moves no data: what counts is who can know that whom has come.
#include <fmt/format.h>

#include "verify/system.hpp"

namespace motet {
namespace {

// For every node the ranks that have come when it is done.
class Arrivals {
 public:
  explicit Arrivals(const System& system)
      : words_((system.schedules.size() + 63) / 64), bits_(system.node_count() * words_, 0) {
    for (Node node = 0; node < system.node_count(); ++node) {
      const auto rank = static_cast<std::size_t>(system.rank_of[node]);
      bits_[node * words_ + rank / 64] |= std::uint64_t{1} << rank % 64;
    }
  }

  void learn(Node node, Node from) {
    for (std::size_t w = 0; w < words_; ++w) bits_[node * words_ + w] |= bits_[from * words_ + w];
  }

  bool knows(Node node, Rank rank) const {
    const auto bit = static_cast<std::size_t>(rank);
    return (bits_[node * words_ + bit / 64] >> bit % 64 & 1U) != 0;
  }

 private:
  std::size_t words_;
  std::vector<std::uint64_t> bits_;
};

bool learns_of(const System& system, const Arrivals& arrivals, Rank me, Rank other) {
  const auto rank = static_cast<std::size_t>(me);
  for (Node node = system.first_node[rank]; node < system.first_node[rank + 1]; ++node) {
    if (arrivals.knows(node, other)) return true;
  }
  return me == other;
}

// Walks `order`; a rendezvous tells both ends, otherwise only the receiver learns.
Arrivals arrivals(const System& system, const std::vector<Node>& order) {
  Arrivals known(system);
  std::vector<Node> sender_of(system.node_count(), no_node);
  for (const Message& message : system.messages) sender_of[message.recv] = message.send;
  for (const Node node : order) {
    const auto rank = static_cast<std::size_t>(system.rank_of[node]);
    for (const Dependency& on : system.schedules[rank].dependencies_of(system.step(node))) {
      known.learn(node, system.first_node[rank] + on.step);
    }
    if (sender_of[node] == no_node) continue;
    known.learn(node, sender_of[node]);
    if (system.step(node).mover != Mover::either) known.learn(sender_of[node], node);
  }
  return known;
}

}  // namespace

std::string check_barrier(const System& system, const std::vector<Node>& order) {
  const Arrivals known = arrivals(system, order);
  for (Rank me = 0; me < system.world_size(); ++me) {
    for (Rank other = 0; other < system.world_size(); ++other) {
      if (learns_of(system, known, me, other)) continue;
      return fmt::format("barrier: rank {} can leave before rank {} has come", me, other);
    }
  }
  return {};
}

}  // namespace motet
