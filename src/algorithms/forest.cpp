#include "algorithms/forest.hpp"

#include <algorithm>
#include <list>
#include <utility>
#include <vector>

#include "algorithms/parts.hpp"
#include "topology/flow/forest.hpp"

namespace motet {

namespace {

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
                     pack_forest(*problem.fabric, problem.params.trees)});
    if (kept.size() > most_kept) kept.pop_back();
  } else {
    kept.splice(kept.begin(), kept, found);
  }
  return kept.front().forest;
}

// What a tree carries of its root's part.
Slice carried(const Slice& part, const Tree& tree, int pieces) {
  const Slice first = part.piece(tree.first_piece, pieces);
  const Slice last = part.piece(tree.first_piece + tree.pieces - 1, pieces);
  return {part.buffer, first.offset, last.end() - first.offset};
}

// One rank's messages, put in the order of their waves. Both ends of a message see the same wave
// and tree, and whatever a message waits for is in an earlier wave.
class Waves {
 public:
  Waves(const Problem& problem, Rank me, ScheduleBuilder& b, const Forest& forest)
      : b_(b),
        me_(me),
        via_{.mover = problem.params.mover},
        chunks_(problem.params.chunks),
        height_(forest.height) {}

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
  // Ends before wave height().
  void up(const Tree& tree, const Slice& own, const Slice& sum) {
    const std::vector<Rank> children = children_in(tree);
    for (int c = 0; c < chunks_; ++c) {
      const int wave = height_ + c - tree.depth[me_];
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

  void write() {
    std::stable_sort(messages_.begin(), messages_.end(), [](const Message& a, const Message& b) {
      return std::pair(a.wave, a.tree) < std::pair(b.wave, b.tree);
    });
    for (const Message& message : messages_) write(message);
  }

 private:
  enum class Move { send, recv, combine, send_sum };
  struct Message {
    int wave, tree;
    Move move;
    Rank peer;
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

  void write(const Message& message) {
    switch (message.move) {
      case Move::send:
        return b_.send(message.peer, message.slice, via_);
      case Move::recv:
        return b_.recv(message.peer, message.slice, via_);
      case Move::combine:
        return sums_[message.sum].add(message.peer, via_);
      case Move::send_sum:
        return b_.send(message.peer, sums_[message.sum].now(), via_);
    }
  }

  ScheduleBuilder& b_;
  Rank me_;
  Via via_;
  int chunks_, height_;
  int number_ = 0;  // of the tree
  std::vector<Message> messages_;
  std::vector<Sum> sums_;
};

}  // namespace

bool supports_forest(const Problem& problem) {
  if (problem.fabric == nullptr || problem.world_size() > most_forest_ranks) return false;
  return problem.fabric->world_size() == problem.world_size() && problem.fabric->connected();
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
  return {longest.within_nodes * times, longest.between_nodes * times};
}

void build_forest_allgather(const Problem& problem, Rank me, ScheduleBuilder& b) {
  const Forest& forest = forest_for(problem);
  const Shares all(b.output(), problem.parts);
  b.copy(b.input(), all.at(me));
  Waves waves(problem, me, b, forest);
  for (const Tree& tree : forest.trees) {
    waves.down(tree, carried(b.input(), tree, forest.pieces),
               carried(all.at(tree.root), tree, forest.pieces), 0);
  }
  waves.write();
}

void build_forest_reduce_scatter(const Problem& problem, Rank me, ScheduleBuilder& b) {
  if (problem.world_size() == 1) return b.copy(b.input(), b.output());
  const Forest& forest = forest_for(problem);
  const Shares from(b.input(), problem.parts);
  const Shares into(accumulator(problem, b), problem.parts);
  Waves waves(problem, me, b, forest);
  for (const Tree& tree : forest.trees) {
    const Slice sum = tree.root == me ? b.output() : into.at(tree.root);
    waves.up(tree, carried(from.at(tree.root), tree, forest.pieces),
             carried(sum, tree, forest.pieces));
  }
  waves.write();
}

void build_forest_allreduce(const Problem& problem, Rank me, ScheduleBuilder& b) {
  if (problem.world_size() == 1) return b.copy(b.input(), b.output());
  const Forest& forest = forest_for(problem);
  const Shares from = Shares::even(b.input(), problem.world_size());
  const Shares into = Shares::even(b.output(), problem.world_size());
  Waves waves(problem, me, b, forest);
  for (const Tree& tree : forest.trees) {
    const Slice sum = carried(into.at(tree.root), tree, forest.pieces);
    waves.up(tree, carried(from.at(tree.root), tree, forest.pieces), sum);
    waves.down(tree, sum, sum, waves.height());
  }
  waves.write();
}

}  // namespace motet
