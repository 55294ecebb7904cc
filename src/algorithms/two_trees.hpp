// Two binary trees on one group, so that whoever is inside one is a leaf of the other: each carries
// half of the vector, and everybody's links are busy both ways. P. Sanders, J. Speck, J. L. Träff,
// "Two-tree algorithms for full bandwidth broadcast, reduction and scan", 2009.
//
// Both trees lie in the order of the group: what hangs on the left of a member comes before it,
// what hangs on the right behind it. So sums keep the order of operands.
#pragma once

#include "algorithms/parts.hpp"

namespace motet {

// Messages on the longest way from a leaf to the first of either tree.
int two_tree_height(int n);
// With a root above the trees of the n - 1 others.
inline int two_tree_rounds(int n) {
  return n < 2 ? 0 : 1 + two_tree_height(n - 1);
}

// The tree with that number, 0 or 1, on members 0 to n - 1.
struct TreePlace {
  int parent = -1, left = -1, right = -1;  // -1: none

  static TreePlace of(int tree, int member, int n);
};

struct TreeVia {
  Via up, down;

  // Streams of their own for each tree and direction: four channels from that of `first` on.
  static TreeVia of(int tree, Via first);
};

// Everybody's half of the sum on its way to the member without a parent, where `sum` holds all.
void tree_reduce(ScheduleBuilder& b, const Group& group, int tree, Sum& sum, Via via);
void tree_broadcast(ScheduleBuilder& b, const Group& group, int tree, Slice data, Via via);

// The group's first member is the root, who stands above both trees of the others. `data` is what
// everybody has or gets.
void two_tree_broadcast(ScheduleBuilder& b, const Group& group, Slice data, Via first);
// The sum of everybody's `from` in the first member's `into`; others combine in theirs on the way.
// Combines in the order of the group.
void two_tree_reduce(ScheduleBuilder& b, const Group& group, Slice from, Slice into, Via first);

}  // namespace motet
