// One rank's part of one call, with buffers whose contents would show a contribution that is
// missing, doubled or swapped, and bytes around them that nobody may touch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ranks.hpp"

namespace motet::test {

class Exercise {
 public:
  // The same seed on every rank; calls with different seeds have different data. Unsigned integers
  // only.
  Exercise(const Ask& ask, Rank me, int size, std::uint64_t seed);

  const Ask& ask() const { return ask_; }
  const void* input() const { return input_.data() + input_at_; }
  void* output() { return shared() ? input_.data() + output_at_ : output_.data() + output_at_; }

  // "" if every byte is what it should be, once the call is over.
  std::string problem() const;
  // The same as an exception.
  void expect_right() const;

 private:
  struct Extent {
    std::size_t input = 0, output = 0;  // elements
  };
  Extent extent() const;
  bool shared() const { return ask_.in_place; }
  std::uint64_t expected(std::size_t index) const;
  std::uint64_t given(Rank rank, std::size_t index) const;
  std::uint64_t sum(std::size_t index) const;
  std::uint64_t load(const std::byte* from, std::size_t index) const;
  bool margins_are_intact() const;

  Ask ask_;
  Rank me_;
  int size_;
  std::uint64_t seed_;
  std::size_t bytes_;  // of an element
  std::vector<std::byte> input_, output_;
  std::size_t input_at_, output_at_;  // bytes from the beginning
};

// Start, wait and check.
void exercise(Comm& comm, const Ask& ask, std::uint64_t seed);

}  // namespace motet::test
