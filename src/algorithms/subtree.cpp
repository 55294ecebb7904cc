#include "algorithms/subtree.hpp"

#include <algorithm>

namespace motet {

Subtree::Subtree(const Problem& p, Rank me, ScheduleBuilder& b, Slice part, Slice whole) : p_(p) {
  const int n = p.world_size();
  number_ = (me - p.root + n) % n;
  size_ = number_ == 0 ? n : std::min(number_ & -number_, n - number_);
  held_ = part;
  if (number_ == 0) {
    held_ = whole;
  } else if (size_ > 1) {
    std::size_t count = 0;
    for (int i = 0; i < size_; ++i) count += p.parts.count(rank_of(number_ + i));
    held_ = b.scratch(count);
  }
  for (int reach = 1; reach < size_; reach *= 2) {
    children_.push_back(
        {rank_of(number_ + reach), runs(number_ + reach, std::min(reach, size_ - reach))});
  }
}

Rank Subtree::parent() const {
  return rank_of(number_ - (number_ & -number_));
}

Rank Subtree::rank_of(int number) const {
  return (p_.root + number) % p_.world_size();
}

std::vector<Slice> Subtree::runs(int number, int length) const {
  const int n = p_.world_size();
  // Numbers before this one have ranks from the root on, those from it on begin at rank 0.
  const int turn = std::clamp(n - p_.root, number, number + length);
  std::vector<Slice> found;
  const auto add = [&](int first, int end) {
    if (first == end) return;
    const Rank rank = rank_of(first);
    const std::size_t count = p_.parts.count(rank, end - first);
    std::size_t before = p_.parts.offset(rank);  // the root's parts lie in the order of ranks
    if (number_ != 0) {
      before = 0;
      for (int i = number_; i < first; ++i) before += p_.parts.count(rank_of(i));
    }
    found.push_back(held_.sub(before, count));
  };
  add(number, turn);
  add(turn, number + length);
  return found;
}

}  // namespace motet
