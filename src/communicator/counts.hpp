// The counts of v-forms: what they say of one rank's buffers, and whether they can be.
#pragma once

#include <cstddef>
#include <span>

#include "communicator/arguments.hpp"

namespace motet {

// Those that this rank has to give; empty where there are none.
std::span<const std::size_t> counts_of(const Arguments& arguments, Rank me, int world_size);
std::span<const std::size_t> received_counts_of(const Arguments& arguments, int world_size);

std::size_t total_of(std::span<const std::size_t> counts);

// What this rank's buffers hold; in_place is not looked at. Throws Error{invalid_argument} where
// counts are missing, contradict one another or cannot be in memory.
Extent check_counts(const Arguments& arguments, Rank me, int world_size);

// As many equal parts, the others empty, as hold about as much as all, each as long as the longest;
// both rounded, so that there are few such shapes. What suits them suits the parts that are meant.
struct Shape {
  std::size_t parts = 0, longest = 0;
  Division division(int world_size) const;
};
Shape shape_of(const Parts& parts);

Division uneven_division_of(const Arguments& arguments, Rank me, int world_size);

}  // namespace motet
