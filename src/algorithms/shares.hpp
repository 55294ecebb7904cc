// A slice divided among the members of a group: share i belongs to member i.
#pragma once

#include <utility>
#include <vector>

#include "schedule/slice.hpp"

namespace motet {

class Shares {
 public:
  // Share i is part i of `parts`, whose total is whole.count.
  Shares(Slice whole, Parts parts) : whole_(whole), parts_(std::move(parts)) {}
  // n shares whose sizes differ by at most one.
  static Shares even(Slice whole, int n) { return {whole, Parts::even(whole.count, n)}; }

  // Shares that lie anywhere: share i is slices[i].
  static Shares apart(std::vector<Slice> slices);

  int size() const { return apart_.empty() ? parts_.size() : static_cast<int>(apart_.size()); }
  Slice at(int i) const;  // any integer, taken modulo size()
  // Shares first, first + 1, ... (length of them): one slice, or two where the run wraps around the
  // end, or each by itself if they lie apart. The split depends on the indices alone, so both ends
  // of a message agree on it.
  std::vector<Slice> run(int first, int length) const;

 private:
  Slice between(int first, int end) const;

  Slice whole_;
  Parts parts_;
  std::vector<Slice> apart_;  // used instead, unless empty
};

}  // namespace motet
