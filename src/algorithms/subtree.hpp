// A rank's subtree of the binomial tree at the root, and where its parts lie there: at the root
// where they belong, at a leaf in its own buffer, elsewhere in scratch. Ranks are counted from the
// root on; where they pass the last rank a message is cut in two, because parts of the root's
// buffer lie in the order of the ranks.
#pragma once

#include <vector>

#include "algorithms/algorithm.hpp"

namespace motet {

class Subtree {
 public:
  struct Child {
    Rank rank;
    std::vector<Slice> parts;  // of its subtree, as they lie here: one run or two
  };

  // `part` is where this rank's own part lies or goes, `whole` the root's buffer of all parts.
  Subtree(const Problem& p, Rank me, ScheduleBuilder& b, Slice part, Slice whole);

  Rank parent() const;  // of the root: itself
  // In the order of their distance, nearest and smallest first.
  const std::vector<Child>& children() const { return children_; }
  std::vector<Slice> all() const { return runs(number_, size_); }
  Slice own() const { return runs(number_, 1).front(); }

 private:
  Rank rank_of(int number) const;
  std::vector<Slice> runs(int number, int length) const;

  const Problem& p_;
  int number_, size_;  // counted from the root; members
  Slice held_;         // all of the subtree's parts
  std::vector<Child> children_;
};

}  // namespace motet
