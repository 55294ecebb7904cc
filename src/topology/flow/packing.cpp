#include "topology/flow/packing.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "topology/flow/max_flow.hpp"

namespace motet {
namespace {

// Trees that are alike so far.
struct Batch {
  Tree tree;  // pieces: how many
  // Where growing goes on: arcs that could not be had once cannot be had later.
  std::size_t next_parent = 0;  // in tree.order
  int next_child = 0;

  bool holds(Rank rank) const { return tree.depth[rank] >= 0; }
};

// Grows trees arc by arc. At every moment those that are begun and those that are not can all be
// finished with the capacity that is left: for every set of ranks as much enters it as there are
// trees without a member in it (Bang-Jensen, Frank and Jordán; Tarjan for one root).
class Packing {
 public:
  Packing(const LogicalGraph& graph, int ranks, int trees);
  std::vector<Tree> pack();

 private:
  using Flow = MaxFlow<std::int64_t>;

  std::size_t at(Rank from, Rank to) const { return static_cast<std::size_t>(from) * ranks_ + to; }
  void grow(Batch batch);
  // How many of the batch's trees may have the arc.
  std::int64_t available(const Batch& batch, Rank from, Rank to);
  void set_aside(Batch batch);
  Batch take_back();

  int source() const { return ranks_; }

  int ranks_, trees_;
  std::vector<std::int64_t> left_;  // capacity by (from, to)
  std::vector<int> arcs_;           // of flow_, by (from, to); -1: none
  Flow flow_;
  std::vector<int> feeds_;  // arcs of flow_ from the source to each rank: trees not begun
  std::int64_t unbegun_ = 0;
  // Begun and set aside; for each a vertex of flow_ that is fed as many and feeds all members.
  std::vector<Batch> aside_;
  std::vector<int> aside_feeds_;
  std::vector<std::vector<int>> aside_members_;  // arcs
  std::int64_t aside_trees_ = 0;
  std::vector<Tree> done_;
};

// At most that many are set aside at once: each has a member less than the one after it.
Packing::Packing(const LogicalGraph& graph, int ranks, int trees)
    : ranks_(ranks),
      trees_(trees),
      left_(static_cast<std::size_t>(ranks) * ranks),
      arcs_(left_.size(), -1),
      flow_(2 * ranks + 1),
      unbegun_(static_cast<std::int64_t>(ranks) * trees) {
  for (Rank from = 0; from < ranks; ++from) {
    feeds_.push_back(flow_.add(source(), from, trees));
    for (Rank to = 0; to < ranks; ++to) {
      left_[at(from, to)] = graph.capacity(from, to) + graph.detour(from, to);
      if (left_[at(from, to)] > 0) arcs_[at(from, to)] = flow_.add(from, to, left_[at(from, to)]);
    }
  }
  for (int i = 0; i < ranks; ++i) {
    const int vertex = source() + 1 + i;
    aside_feeds_.push_back(flow_.add(source(), vertex, 0));
    aside_members_.emplace_back();
    for (Rank rank = 0; rank < ranks; ++rank) {
      aside_members_.back().push_back(flow_.add(vertex, rank, 0));
    }
  }
}

std::vector<Tree> Packing::pack() {
  for (Rank root = 0; root < ranks_; ++root) {
    Batch batch;
    batch.tree.root = root;
    batch.tree.pieces = trees_;
    batch.tree.order = {root};
    batch.tree.parent.assign(ranks_, -1);
    batch.tree.depth.assign(ranks_, -1);
    batch.tree.depth[root] = 0;
    flow_.set(feeds_[root], 0);
    unbegun_ -= trees_;
    int first_piece = 0;
    for (grow(std::move(batch)); !aside_.empty(); grow(take_back())) continue;
    for (Tree& tree : done_) {
      if (tree.root != root) continue;
      tree.first_piece = first_piece;
      first_piece += tree.pieces;
    }
  }
  return std::move(done_);
}

void Packing::grow(Batch batch) {
  Tree& tree = batch.tree;
  for (; static_cast<int>(tree.order.size()) < ranks_; ++batch.next_parent, batch.next_child = 0) {
    MOTET_ASSERT(batch.next_parent < tree.order.size(), "every tree can be finished");
    const Rank from = tree.order[batch.next_parent];
    while (batch.next_child < ranks_) {
      // Beginning behind the parent lets trees of different roots differ.
      const Rank to = (from + batch.next_child++) % ranks_;
      if (batch.holds(to)) continue;
      const std::int64_t got = available(batch, from, to);
      if (got == 0) continue;
      if (got < tree.pieces) {
        Batch rest = batch;
        rest.tree.pieces -= static_cast<int>(got);
        set_aside(std::move(rest));
        tree.pieces = static_cast<int>(got);
      }
      left_[at(from, to)] -= got;
      flow_.set(arcs_[at(from, to)], left_[at(from, to)]);
      tree.order.push_back(to);
      tree.parent[to] = from;
      tree.depth[to] = tree.depth[from] + 1;
    }
  }
  done_.push_back(std::move(tree));
}

std::int64_t Packing::available(const Batch& batch, Rank from, Rank to) {
  const std::int64_t most = std::min<std::int64_t>(left_[at(from, to)], batch.tree.pieces);
  if (most == 0) return 0;
  const std::int64_t others = unbegun_ + aside_trees_;
  const int own = feeds_[from];
  const std::int64_t unbegun = batch.tree.root < from ? trees_ : 0;
  flow_.set(own, Flow::unbounded / 4);
  const std::int64_t flow = flow_.run(source(), to, others + most);
  flow_.set(own, unbegun);
  return std::min(most, flow - others);
}

void Packing::set_aside(Batch batch) {
  const std::size_t i = aside_.size();
  MOTET_ASSERT(i < aside_feeds_.size(), "batches set aside are nested");
  flow_.set(aside_feeds_[i], batch.tree.pieces);
  for (Rank rank = 0; rank < ranks_; ++rank) {
    flow_.set(aside_members_[i][rank], batch.holds(rank) ? Flow::unbounded / 4 : 0);
  }
  aside_trees_ += batch.tree.pieces;
  aside_.push_back(std::move(batch));
}

Batch Packing::take_back() {
  Batch batch = std::move(aside_.back());
  aside_.pop_back();
  flow_.set(aside_feeds_[aside_.size()], 0);
  aside_trees_ -= batch.tree.pieces;
  return batch;
}

}  // namespace

std::vector<Tree> pack_trees(const LogicalGraph& graph, int ranks, int trees) {
  return Packing(graph, ranks, trees).pack();
}

}  // namespace motet
