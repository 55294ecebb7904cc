// A variant is one bare loop that does a collective, with its parameters: the fastest correct one
// is the floor.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "kernels.hpp"
#include "side.hpp"

namespace motet_limits {

struct Plan {
  std::size_t block_floats = 1;
  // Blocks, or lines, that a rank may publish before it takes the first.
  std::size_t ahead = 0;
  Stores stores = Stores::cached;
};

struct Variant {
  std::string name;
  // One call of the collective; both ranks call it. Side::begin() came before the first.
  void (*call)(Side& side, const Plan& plan);
  Plan plan;
};

// The loops.
void one_shot(Side& side, const Plan& plan);
void stream(Side& side, const Plan& plan);
void two_shot(Side& side, const Plan& plan);
void exchange_own_lines(Side& side, const Plan& plan);
void exchange_swapped_lines(Side& side, const Plan& plan);
void stream_lines(Side& side, const Plan& plan);
void pull(Side& side, const Plan& plan);
void pull_two_shot(Side& side, const Plan& plan);
void mapped_pull(Side& side, const Plan& plan);
void mapped_push(Side& side, const Plan& plan);
void mapped_halves(Side& side, const Plan& plan);
void exchange_own_flags(Side& side, const Plan& plan);
void exchange_swapped_flags(Side& side, const Plan& plan);

enum class Pulls : std::uint8_t { refused, allowed };

// All that may be used for a cell.
std::vector<Variant> variants_for(const Cell& cell, Buffers buffers, Pulls pulls);

}  // namespace motet_limits
