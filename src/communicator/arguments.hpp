// The arguments of one call, as all entry points give them, and what they mean for one rank.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/types.hpp"
#include "bootstrap/health.hpp"
#include "execute/waiting.hpp"
#include "planner/planner.hpp"
#include "schedule/problem.hpp"

namespace motet {

struct Algorithm;

// What an operation has to be told beside its name.
struct OpDetails {
  double scale = 0;  // premul_sum: this rank's input is multiplied by it
};

struct Arguments {
  Collective collective{};
  DataType type = DataType::float32;
  ReduceOp op = ReduceOp::sum;
  Determinism determinism = Determinism::any;
  Rank root = 0;  // send, recv: the peer
  const void* input = nullptr;
  void* output = nullptr;
  std::size_t count = 0;                 // as the C interface counts: see motet.h
  const Algorithm* algorithm = nullptr;  // hint; null: the planner chooses
  int timeout_ms = 0;                    // 0: the communicator's
  const OpDetails* details = nullptr;    // of operations that have them; lives as long as the call
  Interruption interruption{};

  // The first five in one word: fast to compare.
  std::uint64_t kind() const {
    static_assert(offsetof(Arguments, input) == sizeof(std::uint64_t));
    std::uint64_t word = 0;
    std::memcpy(&word, this, sizeof word);
    return word;
  }
};

// What this rank's buffers hold, in elements, and whether they are the same memory.
struct Extent {
  std::size_t input = 0, output = 0;
  bool in_place = false;
};

// Whether the operation has the details that it needs, and no others. Throws likewise.
void check_details(const Arguments& arguments);
// Everything but the buffers and those. Throws Error{invalid_argument} that says what is wrong.
void check_words(const Arguments& arguments, Rank me, int world_size);
// Likewise, and the buffers; changes nothing. What it finds for
// non-null buffers depends on their distance alone.
Extent check(const Arguments& arguments, Rank me, int world_size);

// How the vector is divided among ranks (see Problem).
Parts parts_of(const Arguments& arguments, int world_size);

CallRecord to_record(const Arguments& arguments, std::uint64_t sequence);

// Equal on all ranks whose calls belong together and that run them alike.
std::uint32_t fingerprint(const Arguments& arguments, const Choice& choice);

}  // namespace motet
