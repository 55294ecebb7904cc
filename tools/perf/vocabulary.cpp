#include "vocabulary.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <stdexcept>

namespace motet_perf {
namespace {

constexpr std::array type_rows{
    TypeRow{"int8", "char", motet_int8, 1, true},
    TypeRow{"int16", "short", motet_int16, 2, true},
    TypeRow{"int32", "int", motet_int32, 4, true},
    TypeRow{"int64", "long", motet_int64, 8, true},
    TypeRow{"uint8", "u8", motet_uint8, 1, true},
    TypeRow{"uint16", "u16", motet_uint16, 2, true},
    TypeRow{"uint32", "u32", motet_uint32, 4, true},
    TypeRow{"uint64", "u64", motet_uint64, 8, true},
    TypeRow{"float16", "half", motet_float16, 2, false},
    TypeRow{"bfloat16", "bf16", motet_bfloat16, 2, false},
    TypeRow{"float32", "float", motet_float32, 4, false},
    TypeRow{"float64", "double", motet_float64, 8, false},
};

constexpr std::array op_rows{
    OpRow{"sum", motet_sum}, OpRow{"prod", motet_prod}, OpRow{"min", motet_min},
    OpRow{"max", motet_max}, OpRow{"avg", motet_avg},   OpRow{"and", motet_and},
    OpRow{"or", motet_or},   OpRow{"xor", motet_xor},   OpRow{"premul_sum", motet_premul_sum},
};

constexpr std::array collective_rows{
    CollectiveRow{.name = "allreduce",
                  .kind = Kind::allreduce,
                  .collective = motet_collective_allreduce,
                  .whole = Whole::each,
                  .reduces = true,
                  .in_place = true},
    CollectiveRow{.name = "allgather",
                  .kind = Kind::allgather,
                  .collective = motet_collective_allgather,
                  .whole = Whole::parts,
                  .in_place = true},
    CollectiveRow{.name = "reduce_scatter",
                  .kind = Kind::reduce_scatter,
                  .collective = motet_collective_reduce_scatter,
                  .whole = Whole::parts,
                  .reduces = true,
                  .in_place = true},
    CollectiveRow{.name = "broadcast",
                  .kind = Kind::broadcast,
                  .collective = motet_collective_broadcast,
                  .whole = Whole::each,
                  .has_root = true,
                  .in_place = true},
    CollectiveRow{.name = "reduce",
                  .kind = Kind::reduce,
                  .collective = motet_collective_reduce,
                  .whole = Whole::each,
                  .reduces = true,
                  .has_root = true,
                  .in_place = true},
    CollectiveRow{.name = "alltoall",
                  .kind = Kind::alltoall,
                  .collective = motet_collective_alltoall,
                  .whole = Whole::parts,
                  .in_place = true},
    CollectiveRow{.name = "gather",
                  .kind = Kind::gather,
                  .collective = motet_collective_gather,
                  .whole = Whole::parts,
                  .has_root = true,
                  .in_place = true},
    CollectiveRow{.name = "scatter",
                  .kind = Kind::scatter,
                  .collective = motet_collective_scatter,
                  .whole = Whole::parts,
                  .has_root = true,
                  .in_place = true},
    CollectiveRow{.name = "allgatherv",
                  .kind = Kind::allgather,
                  .collective = motet_collective_allgatherv,
                  .whole = Whole::parts,
                  .in_place = true,
                  .uneven = true},
    CollectiveRow{.name = "reduce_scatterv",
                  .kind = Kind::reduce_scatter,
                  .collective = motet_collective_reduce_scatterv,
                  .whole = Whole::parts,
                  .reduces = true,
                  .in_place = true,
                  .uneven = true},
    CollectiveRow{.name = "alltoallv",
                  .kind = Kind::alltoall,
                  .collective = motet_collective_alltoallv,
                  .whole = Whole::parts,
                  .uneven = true},
    CollectiveRow{.name = "gatherv",
                  .kind = Kind::gather,
                  .collective = motet_collective_gatherv,
                  .whole = Whole::parts,
                  .has_root = true,
                  .in_place = true,
                  .uneven = true},
    CollectiveRow{.name = "scatterv",
                  .kind = Kind::scatter,
                  .collective = motet_collective_scatterv,
                  .whole = Whole::parts,
                  .has_root = true,
                  .in_place = true,
                  .uneven = true},
    CollectiveRow{.name = "sendrecv",
                  .kind = Kind::sendrecv,
                  .collective = motet_collective_send,
                  .whole = Whole::each},
    CollectiveRow{.name = "barrier",
                  .kind = Kind::barrier,
                  .collective = motet_collective_barrier,
                  .whole = Whole::nothing},
};

bool answers_to(const TypeRow& row, std::string_view word) {
  return row.name == word || row.alias == word;
}
template <class Row>
bool answers_to(const Row& row, std::string_view word) {
  return row.name == word;
}

// `also`: what else could have been said there.
template <class Row>
const Row& one_named(std::span<const Row> rows, std::string_view word, std::string_view what,
                     std::string_view also = "") {
  std::string choices;
  for (const Row& row : rows) {
    if (answers_to(row, word)) return row;
    choices += (choices.empty() ? "" : ", ") + std::string(row.name);
  }
  throw std::invalid_argument("unknown " + std::string(what) + " '" + std::string(word) +
                              "'; choose from " + choices + std::string(also));
}

template <class Row>
std::vector<Row> named(std::span<const Row> rows, std::string_view word, std::string_view what) {
  if (word == "all") return {rows.begin(), rows.end()};
  return {one_named(rows, word, what, ", all")};
}

}  // namespace

std::span<const TypeRow> types() {
  return type_rows;
}
std::span<const OpRow> ops() {
  return op_rows;
}
std::span<const CollectiveRow> collectives() {
  return collective_rows;
}

std::vector<TypeRow> types_named(std::string_view word) {
  return named(types(), word, "type");
}
std::vector<OpRow> ops_named(std::string_view word) {
  return named(ops(), word, "op");
}
std::vector<CollectiveRow> collectives_named(std::string_view word) {
  return named(collectives(), word, "collective");
}

TypeRow type_named(std::string_view word) {
  return one_named(types(), word, "type");
}
OpRow op_named(std::string_view word) {
  return one_named(ops(), word, "op");
}
CollectiveRow collective_named(std::string_view word) {
  return one_named(collectives(), word, "collective", ", or write wait");
}

bool is_defined(const OpRow& op, const TypeRow& type) {
  const bool bitwise = op.op == motet_and || op.op == motet_or || op.op == motet_xor;
  return type.integer ? op.op != motet_premul_sum : !bitwise;
}

double bus_factor(Kind kind, int ranks) {
  const double others = static_cast<double>(ranks - 1) / ranks;
  switch (kind) {
    case Kind::allreduce:
      return 2 * others;
    case Kind::allgather:
    case Kind::reduce_scatter:
    case Kind::alltoall:
    case Kind::gather:
    case Kind::scatter:
      return others;
    default:
      return 1;
  }
}

std::size_t count_for(const CollectiveRow& row, std::size_t bytes, std::size_t element_bytes,
                      int ranks) {
  if (row.whole == Whole::nothing || bytes == 0) return 0;
  const std::size_t unit =
      row.whole == Whole::parts ? element_bytes * static_cast<std::size_t>(ranks) : element_bytes;
  return std::max<std::size_t>(1, bytes / unit);
}

std::size_t bytes_of(const CollectiveRow& row, std::size_t count, std::size_t element_bytes,
                     int ranks) {
  const std::size_t parts = row.whole == Whole::parts ? static_cast<std::size_t>(ranks) : 1;
  return count * element_bytes * parts;
}

std::size_t parse_bytes(const std::string& text) {
  const auto refuse = [&] {
    return std::invalid_argument("'" + text + "' is no size; write 8, 64K, 16M or 1G");
  };
  std::size_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc{}) throw refuse();
  if (rest == end) return value;
  const std::string_view suffixes = "KMG";
  const std::size_t place = suffixes.find(static_cast<char>(std::toupper(*rest)));
  const std::string_view unit(rest + 1, static_cast<std::size_t>(end - rest - 1));
  const bool known_unit = unit.empty() || unit == "B" || unit == "iB";
  if (place == std::string_view::npos || !known_unit) throw refuse();
  const std::size_t shift = 10 * (place + 1);
  if (value > std::numeric_limits<std::size_t>::max() >> shift) throw refuse();
  return value << shift;
}

}  // namespace motet_perf
