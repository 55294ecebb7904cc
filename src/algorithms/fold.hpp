// Makes an algorithm for powers of two serve every world size: the first members pair up, one of
// each pair (the passive one) hands its contribution to the other and gets the result from it
// afterwards.
#pragma once

#include <bit>

#include "algorithms/parts.hpp"

namespace motet {

class Fold {
 public:
  explicit Fold(const Group& group);

  bool passive() const { return passive_; }
  // The members that go on, in the group's order; their number is a power of two. Requires
  // !passive().
  Group core() const;
  // Before and after what the core does. A passive member's `sum` is sent and `result` received; a
  // core member with a partner combines in the order of the group.
  void gather(ScheduleBuilder& b, Sum& sum, Via via) const;
  void spread(ScheduleBuilder& b, Slice result, Via via) const;

 private:
  const Group& group_;
  int paired_;  // the first `paired_` members form pairs; the first of each is passive
  bool passive_;
};

// Rounds that folding adds to those of the core: one before and one after.
inline int fold_rounds(int n) {
  return std::has_single_bit(static_cast<unsigned>(n)) ? 0 : 2;
}

// Everybody has the sum of all `from` in `into`: in round k members 2^k apart exchange the whole
// vector. Combines in the order of the group.
void doubling_allreduce(ScheduleBuilder& b, const Group& group, Slice from, Slice into);
inline int doubling_rounds(int n) {
  return std::bit_width(static_cast<unsigned>(n)) - 1 + fold_rounds(n);
}

}  // namespace motet
