// Some ranks in an order, seen from one of them. Algorithms are written on groups, so that the same
// function serves the world, a node and a rail.
#pragma once

#include <vector>

#include "base/types.hpp"

namespace motet {

class Group {
 public:
  // `members` are distinct; `me` is one of them.
  Group(std::vector<Rank> members, Rank me);

  int size() const { return static_cast<int>(members_.size()); }
  int index() const { return index_; }  // my position
  Rank me() const { return members_[index_]; }
  Rank at(int index) const;       // any integer, taken modulo size()
  int index_of(Rank rank) const;  // -1 if absent
  bool contains(Rank rank) const { return index_of(rank) >= 0; }
  const std::vector<Rank>& members() const { return members_; }

  bool first() const { return index_ == 0; }
  bool last() const { return index_ == size() - 1; }
  Rank left() const { return at(index_ - 1); }   // of the first: the last
  Rank right() const { return at(index_ + 1); }  // of the last: the first

  // The same ring turned so that `rank`, a member, comes first.
  Group starting_at(Rank rank) const;
  // The members at first, first + stride, ... (indices into this group); I must be among them.
  Group every(int stride, int first) const;

  bool operator==(const Group&) const = default;

 private:
  std::vector<Rank> members_;
  int index_;
};

}  // namespace motet
