#include "algorithms/forest.hpp"

#include <algorithm>
#include <list>
#include <utility>
#include <vector>

#include "algorithms/parts.hpp"
#include "topology/flow/forest.hpp"

namespace motet {

namespace {

// Where there are too many ranks to pack trees for, nodes get trees, and ranks with the same place
// on their nodes exchange what those carry.
bool is_composed(const Problem& problem) {
  return problem.world_size() > most_forest_ranks;
}

// Links between certain ranks of different nodes, which one node has not, or of another class than
// others.
bool tells_nodes_apart(const Fabric& fabric) {
  const std::vector<Tier>& tiers = fabric.topology().tiers();
  return std::ranges::any_of(fabric.description().joins, [&](const Join& join) {
    const auto inside = std::ranges::find(tiers, "node", &Tier::name) - tiers.begin();
    const bool is_inside = join.tier <= inside;
    return is_inside ? !join.others.empty() : join.kind == Join::Kind::edge;
  });
}

// The fabric as far as it joins the ranks of one node.
Fabric one_node_of(const Fabric& fabric) {
  std::vector<std::string> settings;
  for (const TopologyShape::Level& level : fabric.description().shape->levels) {
    settings.push_back(level.tier + "s=1");
    if (level.tier == "node") break;
  }
  return Fabric::from_text(fabric.to_text(), settings);
}

// What trees are packed into.
Fabric joined_part(const Problem& problem) {
  return is_composed(problem) ? one_node_of(*problem.fabric) : *problem.fabric;
}

// Packing takes seconds, and every rank's schedule needs the same trees, so each thread keeps the
// last few: what comes out is as if they had been packed anew.
const Forest& forest_for(const Problem& problem) {
  struct Kept {
    Fabric fabric;
    int trees;
    Forest forest;
  };
  constexpr std::size_t most_kept = 4;
  static thread_local std::list<Kept> kept;
  const auto found = std::find_if(kept.begin(), kept.end(), [&](const Kept& one) {
    return one.trees == problem.params.trees && one.fabric == *problem.fabric;
  });
  if (found == kept.end()) {
    kept.push_front({*problem.fabric, problem.params.trees,
                     pack_forest(joined_part(problem), problem.params.trees)});
    if (kept.size() > most_kept) kept.pop_back();
  } else {
    kept.splice(kept.begin(), kept, found);
  }
  return kept.front().forest;
}

// The ranks that trees join, and those with my place among the others.
struct Surroundings {
  Group near, rail;
  std::vector<Group> rails;  // by place

  Surroundings(const Problem& problem, Rank me)
      : near(is_composed(problem) ? problem.topology.node(me) : problem.topology.world(me)),
        rail(is_composed(problem) ? problem.topology.rail(me) : Group({me}, me)) {
    for (const Rank rank : near.members()) {
      rails.push_back(is_composed(problem) ? problem.topology.rail(rank) : Group({rank}, rank));
    }
  }
  // Mine first.
  int node(int i) const { return (rail.index() + i + rail.size()) % rail.size(); }
  Rank rank(int node, int place) const { return rails[place].at(node); }
};

// What a tree carries of its root's part.
Slice carried(const Slice& part, const Tree& tree, int pieces) {
  const Slice first = part.piece(tree.first_piece, pieces);
  const Slice last = part.piece(tree.first_piece + tree.pieces - 1, pieces);
  return {part.buffer, first.offset, last.end() - first.offset};
}

// One rank's messages to those near, put in the order of their waves. Both ends of a message see
// the same wave and tree, and whatever a message waits for is in an earlier wave.
class Waves {
 public:
  // Trees are of places in `near`.
  Waves(ScheduleBuilder& b, const Group& near, const Forest& forest, int chunks)
      : b_(b), near_(near), me_(near.index()), chunks_(chunks), height_(forest.height) {}

  // Down `tree`: its root sends `own`, others have it in `held` then. Chunk c reaches depth d in
  // wave `start` + c + d.
  void down(const Tree& tree, const Slice& own, const Slice& held, int start) {
    const std::vector<Rank> children = children_in(tree);
    const bool root = tree.root == me_;
    for (int c = 0; c < chunks_; ++c) {
      const int wave = start + c + tree.depth[me_];
      const Slice chunk = (root ? own : held).piece(c, chunks_);
      if (!root) messages_.push_back({wave, number_, Move::recv, tree.parent[me_], chunk});
      for (const Rank child : children) {
        messages_.push_back({wave + 1, number_, Move::send, child, chunk});
      }
    }
    ++number_;
  }

  // Up `tree`: this rank has `own`, and the sum over its subtree goes to `sum` unless it is alone.
  // From wave `start` to before `start` + height().
  void up(const Tree& tree, const Slice& own, const Slice& sum, int start) {
    const std::vector<Rank> children = children_in(tree);
    for (int c = 0; c < chunks_; ++c) {
      const int wave = start + height_ + c - tree.depth[me_];
      const std::size_t index = sums_.size();
      sums_.emplace_back(b_, own.piece(c, chunks_), sum.piece(c, chunks_));
      for (const Rank child : children) {
        messages_.push_back({wave - 1, number_, Move::combine, child, {}, index});
      }
      if (tree.root == me_) continue;
      messages_.push_back({wave, number_, Move::send_sum, tree.parent[me_], {}, index});
    }
    ++number_;
  }
  int height() const { return height_; }

  void write(Via via) {
    std::stable_sort(messages_.begin(), messages_.end(), [](const Message& a, const Message& b) {
      return std::pair(a.wave, a.tree) < std::pair(b.wave, b.tree);
    });
    for (const Message& message : messages_) write(message, via);
    messages_.clear();
  }

 private:
  enum class Move { send, recv, combine, send_sum };
  struct Message {
    int wave, tree;
    Move move;
    int peer;  // its place
    Slice slice;
    std::size_t sum = 0;
  };

  std::vector<Rank> children_in(const Tree& tree) const {
    std::vector<Rank> children;
    for (const Rank rank : tree.order) {
      if (tree.parent[rank] == me_) children.push_back(rank);
    }
    return children;
  }

  void write(const Message& message, Via via) {
    const Rank peer = near_.at(message.peer);
    switch (message.move) {
      case Move::send:
        return b_.send(peer, message.slice, via);
      case Move::recv:
        return b_.recv(peer, message.slice, via);
      case Move::combine:
        return sums_[message.sum].add(peer, via);
      case Move::send_sum:
        return b_.send(peer, sums_[message.sum].now(), via);
    }
  }

  ScheduleBuilder& b_;
  const Group& near_;
  int me_;
  int chunks_, height_;
  int number_ = 0;  // of the tree
  std::vector<Message> messages_;
  std::vector<Sum> sums_;
};

}  // namespace

int forest_ranks(const Problem& problem) {
  return is_composed(problem) ? problem.world_size() / problem.topology.node_count()
                              : problem.world_size();
}

bool supports_forest(const Problem& problem) {
  const Fabric* fabric = problem.fabric;
  if (fabric == nullptr || fabric->world_size() != problem.world_size()) return false;
  if (!is_composed(problem)) return fabric->connected();
  const int near = forest_ranks(problem);
  // In short form ranks of a node follow one another, and all nodes are alike.
  const bool is_regular = fabric->description().shape && problem.topology.uniform_nodes() &&
                          fabric->topology().node_count() == problem.topology.node_count();
  return is_regular && near > 1 && near <= most_forest_ranks && !tells_nodes_apart(*fabric) &&
         fabric->connected() && one_node_of(*fabric).connected();
}

Rounds forest_rounds(const Problem& problem) {
  Rounds longest;
  if (problem.fabric == nullptr) return longest;
  for (const Tree& tree : forest_for(problem).trees) {
    // The root is first, the deepest may be anywhere.
    const auto deepest = std::max_element(tree.depth.begin(), tree.depth.end());
    Rounds rounds;
    for (auto rank = static_cast<Rank>(deepest - tree.depth.begin()); rank != tree.root;
         rank = tree.parent[rank]) {
      const bool inside =
          problem.topology.node_of(rank) == problem.topology.node_of(tree.parent[rank]);
      ++(inside ? rounds.within_nodes : rounds.between_nodes);
    }
    const auto hops = [](const Rounds& r) { return r.within_nodes + r.between_nodes; };
    if (hops(rounds) > hops(longest)) longest = rounds;
  }
  const int times = problem.collective == Collective::allreduce ? 2 : 1;
  Rounds rounds{longest.within_nodes * times, longest.between_nodes * times};
  if (is_composed(problem)) {
    const int nodes = problem.topology.node_count();
    rounds.between_nodes += times == 2 ? 2 * doublings(nodes) : 1;
  }
  return rounds;
}

void build_forest_allgather(const Problem& problem, Rank me, ScheduleBuilder& b) {
  const Forest& forest = forest_for(problem);
  const Surroundings around(problem, me);
  const Shares all(b.output(), problem.parts);
  const Via via{.mover = problem.params.mover};
  b.copy(b.input(), all.at(me));
  send_to_all(b, around.rail, b.input(), via);
  for (int i = 1; i < around.rail.size(); ++i) {
    const Rank peer = around.rail.at(around.rail.index() - i);
    b.recv(peer, all.at(peer), via);
  }
  Waves waves(b, around.near, forest, problem.params.chunks);
  for (int i = 0; i < around.rail.size(); ++i) {
    const int node = around.node(-i);
    const Slice mine = i == 0 ? b.input() : all.at(around.rank(node, around.near.index()));
    for (const Tree& tree : forest.trees) {
      waves.down(tree, carried(mine, tree, forest.pieces),
                 carried(all.at(around.rank(node, tree.root)), tree, forest.pieces), i);
    }
  }
  waves.write(via);
}

void build_forest_reduce_scatter(const Problem& problem, Rank me, ScheduleBuilder& b) {
  if (problem.world_size() == 1) return b.copy(b.input(), b.output());
  const Forest& forest = forest_for(problem);
  const Surroundings around(problem, me);
  const Shares from(b.input(), problem.parts);
  const Shares into(accumulator(problem, b), problem.parts);
  const Via via{.mover = problem.params.mover};
  Waves waves(b, around.near, forest, problem.params.chunks);
  // What goes to other nodes first, mine last.
  for (int i = 1; i <= around.rail.size(); ++i) {
    const int node = around.node(i);
    for (const Tree& tree : forest.trees) {
      const Rank owner = around.rank(node, tree.root);
      const Slice sum = owner == me ? b.output() : into.at(owner);
      waves.up(tree, carried(from.at(owner), tree, forest.pieces),
               carried(sum, tree, forest.pieces), i - 1);
    }
  }
  waves.write(via);
  Sum sum(b, b.output(), b.output());
  for (int i = 1; i < around.rail.size(); ++i) {
    const Rank to = around.rail.at(around.rail.index() + i);
    b.send(to, into.at(to), via);
    sum.add(around.rail.at(around.rail.index() - i), via);
  }
}

namespace {

// One chunk of the vector where nodes are composed, all of it otherwise.
void allreduce_slice(const Problem& problem, const Surroundings& around, ScheduleBuilder& b,
                     int chunk) {
  const Forest& forest = forest_for(problem);
  const bool composed = is_composed(problem);
  const int chunks = composed ? problem.params.chunks : 1;
  const int near = around.near.size();
  const Shares from = Shares::even(b.input().piece(chunk, chunks), near);
  const Shares into = Shares::even(b.output().piece(chunk, chunks), near);
  const Via up{.mover = problem.params.mover};
  const Via down{.channel = static_cast<Channel>(composed ? 1 : 0), .mover = up.mover};
  Waves waves(b, around.near, forest, composed ? 1 : problem.params.chunks);
  for (const Tree& tree : forest.trees) {
    waves.up(tree, carried(from.at(tree.root), tree, forest.pieces),
             carried(into.at(tree.root), tree, forest.pieces), 0);
  }
  if (composed) {
    waves.write(up);
    const Shares all = Shares::even(into.at(around.near.index()), around.rail.size());
    const Slice mine = all.at(around.rail.index());
    circulant_reduce_scatter(b, around.rail, {all, all, mine}, up);
    circulant_allgather(b, around.rail, {mine, all}, down);
  }
  for (const Tree& tree : forest.trees) {
    const Slice sum = carried(into.at(tree.root), tree, forest.pieces);
    waves.down(tree, sum, sum, waves.height());
  }
  waves.write(down);
}

}  // namespace

void build_forest_allreduce(const Problem& problem, Rank me, ScheduleBuilder& b) {
  if (problem.world_size() == 1) return b.copy(b.input(), b.output());
  const Surroundings around(problem, me);
  const int chunks = is_composed(problem) ? problem.params.chunks : 1;
  for (int chunk = 0; chunk < chunks; ++chunk) allreduce_slice(problem, around, b, chunk);
}

}  // namespace motet
