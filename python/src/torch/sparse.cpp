// allreduce of sparse tensors: every rank gets every rank's elements and sums them by itself.
#include <c10/util/Exception.h>

#include <numeric>

#include "backend.hpp"

namespace motet::torch {
namespace {

motet_call call_with(std::chrono::milliseconds timeout) {
  motet_call call{};
  call.size = sizeof call;
  call.timeout_ms = limit_of(timeout);
  return call;
}

std::vector<std::int64_t> row_counts(motet_comm* comm, std::int64_t mine,
                                     std::chrono::milliseconds timeout) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(motet_comm_size(comm)));
  const motet_call call = call_with(timeout);
  check(motet_allgather(&mine, counts.data(), 1, motet_int64, comm, &call), timeout);
  return counts;
}

// The rows of all ranks, one rank after the other. `counts`: how many each has.
at::Tensor gather_rows(motet_comm* comm, const at::Tensor& rows,
                       const std::vector<std::int64_t>& counts, std::chrono::milliseconds timeout) {
  std::vector<std::int64_t> shape = rows.sizes().vec();
  shape.front() = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  const at::Tensor all = at::empty(shape, rows.options());
  const Elements in = moved(rows), out = moved(all);
  const auto total = static_cast<std::size_t>(shape.front());
  const std::size_t row = total == 0 ? 0 : out.count / total;
  std::vector<std::size_t> parts;
  for (const std::int64_t count : counts) parts.push_back(static_cast<std::size_t>(count) * row);
  const motet_call call = call_with(timeout);
  check(motet_allgatherv(in.data, out.data, parts.data(), in.type, comm, &call), timeout);
  return all;
}

}  // namespace

// It returns when it is done: how much is to come is known only once the ranks have told.
Backend::Started Backend::allreduce_sparse(Tensors& tensors,
                                           const c10d::AllreduceOptions& options) {
  TORCH_CHECK_VALUE(tensors.size() == 1 && tensors.front().is_sparse() && tensors.front().is_cpu(),
                    "motet: one sparse tensor of the CPU is wanted");
  TORCH_CHECK_VALUE(options.reduceOp == c10d::ReduceOp::SUM,
                    "motet: sparse tensors can only be summed");
  TORCH_CHECK(coalesced_ == nullptr, "motet: sparse tensors cannot be coalesced");
  const auto work = begin({c10d::OpType::_ALLREDUCE_SPARSE, "sparse_all_reduce", options.timeout},
                          tensors, {tensors});
  const std::chrono::milliseconds timeout = work->getTimeout();
  const auto communicator = this->communicator();
  motet_comm* const comm = communicator->handle();
  const at::Tensor mine = tensors.front().coalesce();
  const std::vector<std::int64_t> counts = row_counts(comm, mine._nnz(), timeout);
  const at::Tensor indices = gather_rows(comm, mine.indices().t().contiguous(), counts, timeout);
  const at::Tensor values = gather_rows(comm, mine.values().contiguous(), counts, timeout);
  const at::Tensor all = at::sparse_coo_tensor(indices.t(), values, mine.sizes(), mine.options());
  tensors.front().copy_(all.coalesce());
  return seal(work);
}

}  // namespace motet::torch
