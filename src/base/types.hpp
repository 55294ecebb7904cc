// The words every folder shares: ranks, element types, reductions and collectives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace motet {

using Rank = int;

// Whether receivers read large messages where they lie in the sender's ordinary memory. perhaps and
// likely: both ways are worth trying, and that is the one to begin with.
enum class Reading : std::uint8_t { never, perhaps, likely };

enum class DataType : std::uint8_t {
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float16,
  bfloat16,
  float32,
  float64
};
inline constexpr int data_type_count = 12;

// avg is a sum divided by the world size when an element of the result is complete, premul_sum one
// of inputs that each rank has multiplied by a number of its own, user what a function of the
// caller's does.
enum class ReduceOp : std::uint8_t {
  sum,
  prod,
  min,
  max,
  avg,
  bit_and,
  bit_or,
  bit_xor,
  premul_sum,
  user
};
inline constexpr int reduce_op_count = 10;

enum class Collective : std::uint8_t {
  allreduce,
  allgather,
  reduce_scatter,
  broadcast,
  reduce,
  alltoall,
  gather,
  scatter,
  barrier,
  send,
  recv
};
inline constexpr int collective_count = 11;

// Bytes of one element.
std::size_t element_bytes(DataType type) noexcept;

// Bitwise operations exist for integers only, premultiplied sums for floats only, and of user
// the library knows nothing.
bool is_defined(ReduceOp op, DataType type) noexcept;

// The words users type and read: "float32", "sum", "allreduce".
std::string_view name(DataType type) noexcept;
std::string_view name(ReduceOp op) noexcept;
std::string_view name(Collective collective) noexcept;

// Whether elements are combined, so that type and op matter.
bool reduces(Collective collective) noexcept;
// Whether all ranks give a v-form the same counts; else each gives those of what it sends and
// receives.
bool all_know_counts(Collective collective) noexcept;
// Whether one rank is singled out, so that root matters.
bool has_root(Collective collective) noexcept;

}  // namespace motet
