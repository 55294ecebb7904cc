#include "algorithms/two_trees.hpp"

#include <algorithm>
#include <bit>

namespace motet {

namespace {

// One tree on positions 1 to n: a position's height is the number of zeros it ends in, so odd ones
// are leaves. Members are numbered from 0: in tree 0 member i has position i + 1; in tree 1, where
// leaves must be the others, position i, and member 0 stands above the rest.

constexpr int nowhere = 0;

int lowest_bit(int position) {
  return position & -position;
}

int top(int n) {
  return static_cast<int>(std::bit_floor(static_cast<unsigned>(n)));
}

int above(int position, int n) {
  if (position == top(n)) return nowhere;
  do {
    const int bit = lowest_bit(position);
    position = (position - bit) | (2 * bit);
  } while (position > n);
  return position;
}

int left_below(int position) {
  return position % 2 == 0 ? position - lowest_bit(position) / 2 : nowhere;
}

int right_below(int position, int n) {
  for (int step = lowest_bit(position) / 2; step >= 1; step /= 2) {
    if (position + step <= n) return position + step;
  }
  return nowhere;
}

// The member of a tree's first position.
int top_member(int tree, int n) {
  return tree == 0 ? top(n) - 1 : 0;
}

// Two trees of one member would be the same link.
int trees(int n) {
  return n > 1 ? 2 : 1;
}

Group others(const Group& group) {
  return {{group.members().begin() + 1, group.members().end()}, group.me()};
}

}  // namespace

int two_tree_height(int n) {
  const auto height = [](int size) { return std::bit_width(static_cast<unsigned>(size)) - 1; };
  return n < 2 ? 0 : std::max(height(n), 1 + height(n - 1));
}

TreePlace TreePlace::of(int tree, int member, int n) {
  const int first = tree == 0 ? 1 : 0;  // position of member 0
  const int last = n - 1 + first;       // of member n - 1
  const int position = member + first;
  if (position == nowhere) return {.right = last > 0 ? top(last) : -1};
  const auto member_at = [&](int place) { return place == nowhere ? -1 : place - first; };
  const int parent = above(position, last);
  return {.parent = parent - first,  // above the top of tree 1 comes member 0
          .left = member_at(left_below(position)),
          .right = member_at(right_below(position, last))};
}

TreeVia TreeVia::of(int tree, Mover mover) {
  return {.up = {static_cast<Channel>(2 * tree), mover},
          .down = {static_cast<Channel>(2 * tree + 1), mover}};
}

void tree_reduce(ScheduleBuilder& b, const Group& group, int tree, Sum& sum, Via via) {
  const TreePlace place = TreePlace::of(tree, group.index(), group.size());
  if (place.left >= 0) sum.add_in_front(group.at(place.left), via);
  if (place.right >= 0) sum.add(group.at(place.right), via);
  if (place.parent >= 0) b.send(group.at(place.parent), sum.now(), via);
}

void tree_broadcast(ScheduleBuilder& b, const Group& group, int tree, Slice data, Via via) {
  const TreePlace place = TreePlace::of(tree, group.index(), group.size());
  if (place.parent >= 0) b.recv(group.at(place.parent), data, via);
  for (const int child : {place.left, place.right}) {
    if (child >= 0) b.send(group.at(child), data, via);
  }
}

void two_tree_broadcast(ScheduleBuilder& b, const Group& group, Slice data, Mover mover) {
  const int n = group.size() - 1;  // in each tree
  if (n == 0) return;
  for (int tree = 0; tree < trees(n); ++tree) {
    const Slice half = data.piece(tree, trees(n));
    const Via via = TreeVia::of(tree, mover).down;
    const int first = top_member(tree, n);
    if (group.first()) {
      b.send(group.at(1 + first), half, via);
      continue;
    }
    if (group.index() == 1 + first) b.recv(group.at(0), half, via);
    tree_broadcast(b, others(group), tree, half, via);
  }
}

void two_tree_reduce(ScheduleBuilder& b, const Group& group, Slice from, Slice into, Mover mover) {
  const int n = group.size() - 1;
  for (int tree = 0; tree < trees(n); ++tree) {
    Sum sum(b, from.piece(tree, trees(n)), into.piece(tree, trees(n)));
    const Via via = TreeVia::of(tree, mover).up;
    if (group.first()) {
      if (n > 0) sum.add(group.at(1 + top_member(tree, n)), via);
      sum.settle();
      continue;
    }
    tree_reduce(b, others(group), tree, sum, via);
    if (group.index() == 1 + top_member(tree, n)) b.send(group.at(0), sum.now(), via);
  }
}

}  // namespace motet
