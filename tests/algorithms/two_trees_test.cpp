#include "algorithms/two_trees.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace motet {
namespace {

std::vector<TreePlace> places(int tree, int n) {
  std::vector<TreePlace> all;
  for (int member = 0; member < n; ++member) all.push_back(TreePlace::of(tree, member, n));
  return all;
}

bool is_leaf(const TreePlace& place) {
  return place.left < 0 && place.right < 0;
}

// Members in the order left, parent, right.
void walk(const std::vector<TreePlace>& tree, int member, std::vector<int>& order) {
  if (member < 0) return;
  walk(tree, tree[member].left, order);
  order.push_back(member);
  walk(tree, tree[member].right, order);
}

int depth(const std::vector<TreePlace>& tree, int member) {
  return tree[member].parent < 0 ? 0 : 1 + depth(tree, tree[member].parent);
}

class TwoTrees : public testing::TestWithParam<int> {};

TEST_P(TwoTrees, HoldEverybodyInOrder) {
  const int n = GetParam();
  for (const int number : {0, 1}) {
    const auto tree = places(number, n);
    int top = 0;
    while (tree[top].parent >= 0) top = tree[top].parent;
    std::vector<int> order;
    walk(tree, top, order);
    ASSERT_EQ(static_cast<int>(order.size()), n);
    for (int member = 0; member < n; ++member) {
      const int left = tree[member].left;
      const int right = tree[member].right;
      EXPECT_EQ(order[member], member);
      EXPECT_TRUE(left < 0 || tree[left].parent == member) << member;
      EXPECT_TRUE(right < 0 || tree[right].parent == member) << member;
    }
  }
}

TEST_P(TwoTrees, NobodyIsInsideBoth) {
  const auto first = places(0, GetParam());
  const auto second = places(1, GetParam());
  for (int member = 0; member < GetParam(); ++member) {
    EXPECT_TRUE(is_leaf(first[member]) || is_leaf(second[member])) << member;
  }
}

TEST_P(TwoTrees, AreAsHighAsTheySay) {
  int height = 0;
  for (const int number : {0, 1}) {
    const auto tree = places(number, GetParam());
    for (int member = 0; member < GetParam(); ++member) {
      height = std::max(height, depth(tree, member));
    }
  }
  EXPECT_EQ(height, two_tree_height(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Algorithms, TwoTrees, testing::Range(1, 70));

}  // namespace
}  // namespace motet
