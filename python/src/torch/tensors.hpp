// Tensors as Motet's calls want them: contiguous elements of a type that it knows.
#pragma once

#include <ATen/ATen.h>
#include <motet/motet.h>

#include <cstddef>
#include <cstdint>
#include <torch/csrc/distributed/c10d/Types.hpp>
#include <vector>

namespace motet::torch {

struct Elements {
  void* data = nullptr;
  std::size_t count = 0;
  motet_type type = motet_uint8;
};

// What a call combines with.
struct Reduction {
  motet_op op = motet_sum;
  double scale = 1;  // of motet_premul_sum
};

// Throw c10::ValueError where it is not on the CPU or not dense.
void require_dense(const at::Tensor& tensor);

// For moving: any type, as numbers of its size. Requires a contiguous tensor.
Elements moved(const at::Tensor& tensor);
// For combining: bool as 0 and 1, complex numbers as pairs. Throws c10::TypeError for what Motet
// does not combine.
Elements combined(const at::Tensor& tensor);
// Throws c10::TypeError where the operation makes no sense for the type.
Reduction reduction_of(const c10d::ReduceOp& op, const at::Tensor& tensor);

// One contiguous tensor for a list: the memory of the list itself where that lies in a row.
struct Flat {
  at::Tensor tensor;
  bool is_list = false;  // the tensor is the list's own memory
};
Flat flat_for(const std::vector<at::Tensor>& list);
// The same with the list's contents.
at::Tensor flattened(const std::vector<at::Tensor>& list);
// Puts what `flat` holds into the tensors of the list, one after the other.
void unflatten(const at::Tensor& flat, const std::vector<at::Tensor>& list);

std::vector<std::size_t> counts_of(const std::vector<at::Tensor>& list);
// How many elements go to each rank: `splits` of the first dimension, or equal ones where there are
// none. Throws c10::ValueError where they do not fit.
std::vector<std::size_t> counts_of_splits(const std::vector<std::int64_t>& splits,
                                          const at::Tensor& tensor, int size);
bool are_equal(const std::vector<std::size_t>& counts);

}  // namespace motet::torch
