// The arguments of one call, as all entry points give them, and what they mean for one rank.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "base/types.hpp"
#include "bootstrap/health.hpp"
#include "execute/user_reduction.hpp"
#include "execute/waiting.hpp"
#include "planner/planner.hpp"
#include "schedule/problem.hpp"

namespace motet {

struct Algorithm;

// What an operation has to be told beside its name.
struct OpDetails {
  std::optional<double> scale;             // premul_sum: this rank's input is multiplied by it
  std::optional<UserReduction> reduction;  // user
  bool commutative = true;                 // the reduction
};

// uneven: a v-form, whose parts have counts of their own. As wide as the room for it, which one
// store then clears.
enum class Form : std::uint32_t { even, uneven };

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
  // v-forms: a count for each rank, the caller's until the function returns. alltoall: of what goes
  // there and of what comes from there; gather, scatter: at the root alone.
  const std::size_t* counts = nullptr;
  const std::size_t* received_counts = nullptr;
  const OpDetails* details = nullptr;  // of operations that have them; lives as long as the call
  Interruption interruption{};
  int timeout_ms = 0;      // 0: the communicator's
  Form form = Form::even;  // not in kind(): v-forms go a way of their own

  bool is_uneven() const { return form == Form::uneven; }

  // The first five in one word: fast to compare.
  std::uint64_t kind() const {
    static_assert(offsetof(Arguments, input) == sizeof(std::uint64_t));
    std::uint64_t word = 0;
    std::memcpy(&word, this, sizeof word);
    return word;
  }
};

// Of one element as the call counts them.
std::size_t element_bytes(const Arguments& arguments);
// Whether operands may be swapped.
bool commutes(const Arguments& arguments);

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

// How the vectors are divided among ranks, and who knows it (see Problem).
struct Division {
  Parts parts;
  Parts received{};
  Lengths lengths = Lengths::known_to_all;
};
Division division_of(const Arguments& arguments, Rank me, int world_size);
// Of as many elements for every rank. A v-form's lengths stay known to whom they are.
Division even_division_of(const Arguments& arguments, std::size_t count, int world_size);

CallRecord to_record(const Arguments& arguments, std::uint64_t sequence, Rank me, int world_size);

// Equal on all ranks whose calls belong together and that run them alike.
std::uint32_t fingerprint(const Arguments& arguments, const CallRecord& record,
                          const Choice& choice);

}  // namespace motet
