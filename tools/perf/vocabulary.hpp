// The words a user types, what they mean to motet.h, and the arithmetic that belongs to each
// collective.
#pragma once

#include <motet/motet.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace motet_perf {

struct TypeRow {
  std::string_view name, alias;  // alias: as nccl-tests says it
  motet_type type;
  std::size_t bytes;
  bool integer;
};

struct OpRow {
  std::string_view name;
  motet_op op;
};

// How a collective's element count follows from the bytes of a row, as nccl-tests counts them.
enum class Whole {
  each,    // every rank holds all bytes: count = bytes / element
  parts,   // the bytes are one part of every rank: count = bytes / element / ranks
  nothing  // no data
};

enum class Kind {
  allreduce,
  allgather,
  reduce_scatter,
  broadcast,
  reduce,
  alltoall,
  gather,
  scatter,
  sendrecv,
  barrier
};

struct CollectiveRow {
  std::string_view name;
  Kind kind;
  motet_collective collective;  // for motet_explain
  Whole whole;
  bool reduces = false;
  bool has_root = false;
  bool in_place = false;  // can be called in place
  bool uneven = false;    // a v-form of `kind`
};

std::span<const TypeRow> types();
std::span<const OpRow> ops();
std::span<const CollectiveRow> collectives();

// The rows a user means by "float32", "sum", "allreduce" or "all". Throws std::invalid_argument
// that lists the choices.
std::vector<TypeRow> types_named(std::string_view word);
std::vector<OpRow> ops_named(std::string_view word);
std::vector<CollectiveRow> collectives_named(std::string_view word);
// The same, of one: "all" is none.
TypeRow type_named(std::string_view word);
OpRow op_named(std::string_view word);
CollectiveRow collective_named(std::string_view word);

bool is_defined(const OpRow& op, const TypeRow& type);

// busbw = algbw * this: what the busiest link carries per byte of the row.
double bus_factor(Kind kind, int ranks);

// Elements per rank (or per part) for a row of about `bytes`; at least one unless bytes is 0.
std::size_t count_for(const CollectiveRow& row, std::size_t bytes, std::size_t element_bytes,
                      int ranks);
// The bytes that row really has.
std::size_t bytes_of(const CollectiveRow& row, std::size_t count, std::size_t element_bytes,
                     int ranks);

// "64M" is 64 * 2^20. Throws std::invalid_argument.
std::size_t parse_bytes(const std::string& text);

}  // namespace motet_perf
