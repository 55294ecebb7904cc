// The arguments of one call, as all entry points give them, and what they mean for one rank.
#pragma once

#include <cstddef>

#include "base/types.hpp"
#include "bootstrap/health.hpp"
#include "schedule/problem.hpp"

namespace motet {

struct Algorithm;

struct Arguments {
  Collective collective{};
  const void* input = nullptr;
  void* output = nullptr;
  std::size_t count = 0;  // as the C interface counts: see motet.h
  DataType type = DataType::float32;
  ReduceOp op = ReduceOp::sum;
  Rank root = 0;                         // send, recv: the peer
  const Algorithm* algorithm = nullptr;  // hint; null: the planner chooses
  Determinism determinism = Determinism::any;
  int timeout_ms = 0;  // 0: the communicator's
};

// What this rank's buffers hold, in elements, and whether they are the same memory.
struct Extent {
  std::size_t input = 0, output = 0;
  bool in_place = false;
};

// Throws Error{invalid_argument} that says what is wrong; changes nothing. What it finds for
// non-null buffers depends on their distance alone.
Extent check(const Arguments& arguments, Rank me, int world_size);

// How the vector is divided among ranks (see Problem).
Parts parts_of(const Arguments& arguments, int world_size);

CallRecord to_record(const Arguments& arguments, std::uint64_t sequence);

// Equal on all ranks whose calls belong together.
std::uint32_t fingerprint(const Arguments& arguments);

}  // namespace motet
