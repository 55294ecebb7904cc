// Symbols instead of numbers: what an element holds is a rank's contribution, or two symbols
// combined.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/types.hpp"

namespace motet {

// Equal symbols stand for equal bits. Commutative: a combination equals the one with swapped
// operands.
class Symbols {
 public:
  using Id = std::uint32_t;
  static constexpr Id unset = UINT32_MAX;

  // Every rank contributes up to `elements` elements.
  Symbols(int world_size, std::size_t elements, bool commutative);

  Id contribution(Rank rank, std::size_t element) const;
  Id combine(Id left, Id right);

  // Whether the symbol combines that element of every rank exactly once, in the order of ranks
  // where order matters.
  bool is_total(Id id, std::size_t element) const;
  // "((0 op 1) op 3), element 7" by ranks; long ones are cut.
  std::string to_text(Id id) const;

 private:
  static constexpr std::size_t mixed = SIZE_MAX;

  struct Combination {
    Id left, right;
    std::size_t element;  // mixed if they differ
    Rank first, last;     // the outermost operands
    bool once;            // no contribution twice
    bool in_order;        // by rank, none left out between first and last
  };
  // A leaf as if it were a combination.
  Combination view(Id id) const;
  bool is_leaf(Id id) const { return id < leaves_; }
  int rank_count(Id id) const;
  bool add_ranks(Id left, Id right);
  Id* find_slot(std::uint64_t key);
  void grow();
  void write(Id id, std::string& text) const;

  int world_size_;
  std::size_t elements_;
  bool commutative_;
  Id leaves_;
  std::size_t words_;  // of 64 ranks
  std::vector<Combination> combinations_;
  std::vector<std::uint64_t> ranks_;  // who contributes: words_ for each combination
  std::vector<Id> slots_;             // hash table of combinations; its size is a power of two
};

}  // namespace motet
