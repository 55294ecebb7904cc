#include "base/types.hpp"

#include <array>

namespace motet {
namespace {

struct TypeRow {
  std::string_view name;
  std::size_t bytes;
  bool integer;
};
constexpr std::array<TypeRow, data_type_count> types{{{"int8", 1, true},
                                                      {"int16", 2, true},
                                                      {"int32", 4, true},
                                                      {"int64", 8, true},
                                                      {"uint8", 1, true},
                                                      {"uint16", 2, true},
                                                      {"uint32", 4, true},
                                                      {"uint64", 8, true},
                                                      {"float16", 2, false},
                                                      {"bfloat16", 2, false},
                                                      {"float32", 4, false},
                                                      {"float64", 8, false}}};
constexpr std::array<std::string_view, reduce_op_count> ops{
    "sum", "prod", "min", "max", "avg", "and", "or", "xor", "premul_sum", "user"};
constexpr std::array<std::string_view, collective_count> collectives{
    "allreduce", "allgather", "reduce_scatter", "broadcast", "reduce", "alltoall",
    "gather",    "scatter",   "barrier",        "send",      "recv"};

const TypeRow& row(DataType type) {
  return types[static_cast<std::size_t>(type)];
}

}  // namespace

std::size_t element_bytes(DataType type) noexcept {
  return row(type).bytes;
}

bool is_defined(ReduceOp op, DataType type) noexcept {
  if (op < ReduceOp::bit_and) return true;
  return op != ReduceOp::user && (op == ReduceOp::premul_sum) != row(type).integer;
}

std::string_view name(DataType type) noexcept {
  return row(type).name;
}
std::string_view name(ReduceOp op) noexcept {
  return ops[static_cast<std::size_t>(op)];
}
std::string_view name(Collective collective) noexcept {
  return collectives[static_cast<std::size_t>(collective)];
}

bool reduces(Collective collective) noexcept {
  return collective == Collective::allreduce || collective == Collective::reduce_scatter ||
         collective == Collective::reduce;
}

bool all_know_counts(Collective collective) noexcept {
  return collective == Collective::allgather || collective == Collective::reduce_scatter;
}

bool has_root(Collective collective) noexcept {
  return collective == Collective::broadcast || collective == Collective::reduce ||
         collective == Collective::gather || collective == Collective::scatter;
}

}  // namespace motet
