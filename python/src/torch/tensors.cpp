#include "tensors.hpp"

#include <c10/util/Exception.h>

#include <algorithm>
#include <numeric>
#include <optional>

namespace motet::torch {
namespace {

using c10d::ReduceOp;

std::optional<motet_type> number_type(at::ScalarType type) {
  switch (type) {
    case at::kChar:
      return motet_int8;
    case at::kShort:
      return motet_int16;
    case at::kInt:
      return motet_int32;
    case at::kLong:
      return motet_int64;
    case at::kByte:
    case at::kBool:
      return motet_uint8;
    case at::kUInt16:
      return motet_uint16;
    case at::kUInt32:
      return motet_uint32;
    case at::kUInt64:
      return motet_uint64;
    case at::kHalf:
      return motet_float16;
    case at::kBFloat16:
      return motet_bfloat16;
    case at::kFloat:
      return motet_float32;
    case at::kDouble:
      return motet_float64;
    default:
      return std::nullopt;
  }
}

motet_type unsigned_of(std::size_t bytes) {
  switch (bytes) {
    case 2:
      return motet_uint16;
    case 4:
      return motet_uint32;
    case 8:
      return motet_uint64;
    default:
      return motet_uint8;
  }
}

// Of what is true or false.
motet_op bool_op(ReduceOp::RedOpType op) {
  switch (op) {
    case ReduceOp::SUM:
    case ReduceOp::MAX:
    case ReduceOp::BOR:
      return motet_max;
    case ReduceOp::PRODUCT:
    case ReduceOp::MIN:
    case ReduceOp::BAND:
      return motet_min;
    case ReduceOp::BXOR:
      return motet_xor;
    default:
      C10_THROW_ERROR(TypeError, "motet: bool tensors have no average and no scaled sum");
  }
}

motet_op number_op(ReduceOp::RedOpType op) {
  switch (op) {
    case ReduceOp::SUM:
      return motet_sum;
    case ReduceOp::AVG:
      return motet_avg;
    case ReduceOp::PRODUCT:
      return motet_prod;
    case ReduceOp::MIN:
      return motet_min;
    case ReduceOp::MAX:
      return motet_max;
    case ReduceOp::BAND:
      return motet_and;
    case ReduceOp::BOR:
      return motet_or;
    case ReduceOp::BXOR:
      return motet_xor;
    case ReduceOp::PREMUL_SUM:
      return motet_premul_sum;
    default:
      C10_THROW_ERROR(TypeError, "motet: this reduction does not exist");
  }
}

double scale_of(const ReduceOp& op) {
  const auto* factor = dynamic_cast<const c10d::PreMulSumSupplement*>(op.supplement_.get());
  TORCH_CHECK_VALUE(factor != nullptr, "motet: PREMUL_SUM has no factor");
  return factor->tensor_factor.defined() ? factor->tensor_factor.item<double>()
                                         : factor->double_factor;
}

// Whether the tensors lie in one storage, each right behind the one before.
bool lie_in_a_row(const std::vector<at::Tensor>& list) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_contiguous() || list[i].is_conj() || list[i].is_neg()) return false;
    if (i == 0) continue;
    const at::Tensor& before = list[i - 1];
    if (!list[i].is_alias_of(before) || list[i].dtype() != before.dtype()) return false;
    if (list[i].storage_offset() != before.storage_offset() + before.numel()) return false;
  }
  return !list.empty();
}

std::int64_t total_of(const std::vector<at::Tensor>& list) {
  return std::accumulate(list.begin(), list.end(), std::int64_t{0},
                         [](std::int64_t sum, const at::Tensor& one) { return sum + one.numel(); });
}

}  // namespace

void require_dense(const at::Tensor& tensor) {
  TORCH_CHECK_VALUE(tensor.device().is_cpu(), "motet: a tensor is on ", tensor.device(),
                    "; the backend works on CPU tensors");
  TORCH_CHECK_VALUE(tensor.layout() == at::kStrided, "motet: a tensor is not dense");
}

Elements moved(const at::Tensor& tensor) {
  const std::size_t bytes = tensor.element_size();
  const motet_type type = unsigned_of(bytes);
  const std::size_t words = bytes / motet_element_bytes(type);
  return {tensor.data_ptr(), static_cast<std::size_t>(tensor.numel()) * words, type};
}

Elements combined(const at::Tensor& tensor) {
  const at::Tensor real = tensor.is_complex() ? at::view_as_real(tensor) : tensor;
  const std::optional<motet_type> type = number_type(real.scalar_type());
  TORCH_CHECK_TYPE(type.has_value(), "motet: elements of type ", tensor.dtype(),
                   " cannot be combined");
  return {real.data_ptr(), static_cast<std::size_t>(real.numel()), *type};
}

Reduction reduction_of(const ReduceOp& op, const at::Tensor& tensor) {
  if (tensor.scalar_type() == at::kBool) return {bool_op(op)};
  TORCH_CHECK_TYPE(!tensor.is_complex() || c10d::isComplexViewAsRealAllowed(op),
                   "motet: complex numbers can only be summed and averaged");
  Reduction reduction{number_op(op)};
  if (op == ReduceOp::PREMUL_SUM) reduction.scale = scale_of(op);
  return reduction;
}

Flat flat_for(const std::vector<at::Tensor>& list) {
  const std::int64_t total = total_of(list);
  if (lie_in_a_row(list)) return {list.front().as_strided({total}, {1}), true};
  return {at::empty({total}, list.front().options()), false};
}

at::Tensor flattened(const std::vector<at::Tensor>& list) {
  Flat flat = flat_for(list);
  if (flat.is_list) return flat.tensor;
  std::int64_t offset = 0;
  for (const at::Tensor& one : list) {
    flat.tensor.narrow(0, offset, one.numel()).view(one.sizes()).copy_(one);
    offset += one.numel();
  }
  return flat.tensor;
}

void unflatten(const at::Tensor& flat, const std::vector<at::Tensor>& list) {
  std::int64_t offset = 0;
  for (const at::Tensor& one : list) {
    one.copy_(flat.narrow(0, offset, one.numel()).view(one.sizes()));
    offset += one.numel();
  }
}

std::vector<std::size_t> counts_of(const std::vector<at::Tensor>& list) {
  std::vector<std::size_t> counts;
  for (const at::Tensor& one : list) counts.push_back(static_cast<std::size_t>(one.numel()));
  return counts;
}

std::vector<std::size_t> counts_of_splits(const std::vector<std::int64_t>& splits,
                                          const at::Tensor& tensor, int size) {
  const auto ranks = static_cast<std::size_t>(size);
  const std::int64_t rows = tensor.dim() == 0 ? 0 : tensor.size(0);
  if (splits.empty()) {
    TORCH_CHECK_VALUE(rows % size == 0, "motet: the first dimension, ", rows,
                      ", is not divisible by the group's size, ", size);
    return std::vector<std::size_t>(ranks, static_cast<std::size_t>(tensor.numel()) / ranks);
  }
  TORCH_CHECK_VALUE(splits.size() == ranks, "motet: ", splits.size(), " splits for ", size,
                    " ranks");
  TORCH_CHECK_VALUE(std::accumulate(splits.begin(), splits.end(), std::int64_t{0}) == rows,
                    "motet: the splits do not add up to the first dimension, ", rows);
  const std::int64_t row = rows == 0 ? 0 : tensor.numel() / rows;
  std::vector<std::size_t> counts;
  for (const std::int64_t split : splits) {
    TORCH_CHECK_VALUE(split >= 0, "motet: a split is negative");
    counts.push_back(static_cast<std::size_t>(split * row));
  }
  return counts;
}

bool are_equal(const std::vector<std::size_t>& counts) {
  return std::ranges::adjacent_find(counts, std::not_equal_to{}) == counts.end();
}

}  // namespace motet::torch
