// The collectives of dense tensors.
#include <c10/util/Exception.h>

#include <algorithm>

#include "backend.hpp"

namespace motet::torch {
namespace {

using c10d::OpType;
using Tensors = Backend::Tensors;

const at::Tensor& only(const Tensors& tensors) {
  TORCH_CHECK_VALUE(tensors.size() == 1, "motet: one tensor per rank is wanted, not ",
                    tensors.size());
  require_dense(tensors.front());
  return tensors.front();
}

const Tensors& only(const std::vector<Tensors>& lists, int size) {
  TORCH_CHECK_VALUE(lists.size() == 1, "motet: one list of tensors is wanted, not ", lists.size());
  TORCH_CHECK_VALUE(lists.front().size() == static_cast<std::size_t>(size), "motet: a list of ",
                    lists.front().size(), " tensors for ", size, " ranks");
  for (const at::Tensor& tensor : lists.front()) require_dense(tensor);
  return lists.front();
}

void require_same_type(const at::Tensor& output, const at::Tensor& input) {
  TORCH_CHECK_TYPE(output.scalar_type() == input.scalar_type(), "motet: the output has type ",
                   output.dtype(), ", the input ", input.dtype());
}

void require_parts(const at::Tensor& whole, const at::Tensor& part, int size) {
  TORCH_CHECK_VALUE(whole.numel() == part.numel() * size, "motet: a tensor of ", whole.numel(),
                    " elements is not what ", size, " ranks have with ", part.numel(), " each");
}

// The list's tensors are what every rank gives, or gets.
void require_alike(const Tensors& list, const at::Tensor& tensor) {
  for (const at::Tensor& one : list) {
    require_same_type(one, tensor);
    require_parts(one, tensor, 1);
  }
}

// What Motet can read.
at::Tensor readable(const at::Tensor& tensor) {
  return tensor.contiguous().resolve_conj().resolve_neg();
}

// What Motet can write, and what brings it into `tensor` if that is elsewhere.
at::Tensor writable(const at::Tensor& tensor, Work& work) {
  if (tensor.is_contiguous() && !tensor.is_conj() && !tensor.is_neg()) return tensor;
  at::Tensor dense = at::empty(tensor.sizes(), tensor.options());
  work.then([tensor, dense] { tensor.copy_(dense); });
  return dense;
}

// The same where what it holds counts as well.
at::Tensor updatable(const at::Tensor& tensor, Work& work) {
  at::Tensor dense = writable(tensor, work);
  if (!dense.is_same(tensor)) dense.copy_(tensor);
  return dense;
}

// What Motet can write instead of a list.
at::Tensor writable(const Tensors& list, Work& work) {
  Flat flat = flat_for(list);
  if (!flat.is_list) work.then([list, flat] { unflatten(flat.tensor, list); });
  return flat.tensor;
}

// Motet's call with the scale that the reduction may have.
struct Call : motet_call {
  Call(const motet_call& call, const Reduction& how) : motet_call(call) {
    if (how.op == motet_premul_sum) scale = how.scale;
  }
};

// Of tensors' elements, those that Motet counts.
std::vector<std::size_t> in_units_of(const Elements& elements, const at::Tensor& tensor,
                                     std::vector<std::size_t> counts) {
  const std::size_t units = tensor.element_size() / motet_element_bytes(elements.type);
  for (std::size_t& count : counts) count *= units;
  return counts;
}

}  // namespace

Backend::Started Backend::broadcast(Tensors& tensors, const c10d::BroadcastOptions& options) {
  const at::Tensor& tensor = only(tensors);
  auto work = begin({OpType::BROADCAST, "broadcast", options.timeout}, tensors, {tensors});
  const bool is_root = options.rootRank == getRank();
  const at::Tensor data = is_root ? readable(tensor) : writable(tensor, *work);
  const Elements all = moved(data);
  const int root = static_cast<int>(options.rootRank);
  work->add({data}, [&](motet_comm* comm, const motet_call* call) {
    return motet_broadcast(all.data, all.data, all.count, all.type, root, comm, call);
  });
  return seal(work);
}

void Backend::add_allreduce(Work& work, const at::Tensor& tensor, const c10d::ReduceOp& op) {
  const Reduction reduction = reduction_of(op, tensor);
  const at::Tensor data = updatable(tensor, work);
  const Elements all = combined(data);
  work.add({data}, [&](motet_comm* comm, const motet_call* given) {
    const Call call(*given, reduction);
    return motet_allreduce(all.data, all.data, all.count, all.type, reduction.op, comm, &call);
  });
}

Backend::Started Backend::allreduce(Tensors& tensors, const c10d::AllreduceOptions& options) {
  TORCH_CHECK_VALUE(tensors.size() == 1, "motet: one tensor per rank is wanted");
  if (tensors.front().is_sparse()) return allreduce_sparse(tensors, options);
  const at::Tensor& tensor = only(tensors);
  auto work = begin({OpType::ALLREDUCE, "all_reduce", options.timeout}, tensors, {tensors});
  add_allreduce(*work, tensor, options.reduceOp);
  return seal(work);
}

Backend::Started Backend::allreduce_coalesced(Tensors& tensors,
                                              const c10d::AllreduceCoalescedOptions& options) {
  TORCH_CHECK_VALUE(!tensors.empty(), "motet: allreduce_coalesced needs a tensor");
  for (const at::Tensor& tensor : tensors) require_dense(tensor);
  auto work =
      begin({OpType::ALLREDUCE_COALESCED, "all_reduce", options.timeout}, tensors, {tensors});
  for (const at::Tensor& tensor : tensors) add_allreduce(*work, tensor, options.reduceOp);
  return seal(work);
}

Backend::Started Backend::reduce(Tensors& tensors, const c10d::ReduceOptions& options) {
  const at::Tensor& tensor = only(tensors);
  auto work = begin({OpType::REDUCE, "reduce", options.timeout}, tensors, {tensors});
  const Reduction reduction = reduction_of(options.reduceOp, tensor);
  const int root = static_cast<int>(options.rootRank);
  const at::Tensor data = root == getRank() ? updatable(tensor, *work) : readable(tensor);
  const Elements all = combined(data);
  work->add({data}, [&](motet_comm* comm, const motet_call* given) {
    const Call call(*given, reduction);
    return motet_reduce(all.data, all.data, all.count, all.type, reduction.op, root, comm, &call);
  });
  return seal(work);
}

void Backend::add_allgather(Work& work, const at::Tensor& output, const at::Tensor& input) {
  require_same_type(output, input);
  require_parts(output, input, getSize());
  const at::Tensor mine = readable(input), all = writable(output, work);
  const Elements in = moved(mine), out = moved(all);
  work.add({mine, all}, [&](motet_comm* comm, const motet_call* call) {
    return motet_allgather(in.data, out.data, in.count, in.type, comm, call);
  });
}

void Backend::add_allgather_list(Work& work, const Tensors& outputs, const at::Tensor& input) {
  for (const at::Tensor& output : outputs) require_same_type(output, input);
  const std::vector<std::size_t> counts = counts_of(outputs);
  const auto me = static_cast<std::size_t>(getRank());
  TORCH_CHECK_VALUE(counts[me] == static_cast<std::size_t>(input.numel()), "motet: allgather of ",
                    input.numel(), " elements into a tensor of ", counts[me]);
  const at::Tensor mine = readable(input), all = writable(outputs, work);
  const Elements in = moved(mine), out = moved(all);
  const std::vector<std::size_t> parts = in_units_of(in, input, counts);
  work.add({mine, all}, [&](motet_comm* comm, const motet_call* call) {
    return are_equal(parts)
               ? motet_allgather(in.data, out.data, in.count, in.type, comm, call)
               : motet_allgatherv(in.data, out.data, parts.data(), in.type, comm, call);
  });
}

Backend::Started Backend::_allgather_base(at::Tensor& output, at::Tensor& input,
                                          const c10d::AllgatherOptions& options) {
  require_dense(output);
  require_dense(input);
  auto work = begin({OpType::_ALLGATHER_BASE, "all_gather", options.timeout}, {input}, {{output}});
  add_allgather(*work, output, input);
  return seal(work);
}

Backend::Started Backend::allgather(std::vector<Tensors>& outputs, Tensors& inputs,
                                    const c10d::AllgatherOptions& options) {
  const at::Tensor& input = only(inputs);
  const Tensors& list = only(outputs, getSize());
  auto work = begin({OpType::ALLGATHER, "all_gather", options.timeout}, inputs, outputs);
  add_allgather_list(*work, list, input);
  return seal(work);
}

// outputs[r] are what rank r gives for each of the inputs.
Backend::Started Backend::allgather_coalesced(std::vector<Tensors>& outputs, Tensors& inputs,
                                              const c10d::AllgatherOptions& options) {
  TORCH_CHECK_VALUE(outputs.size() == static_cast<std::size_t>(getSize()),
                    "motet: ", outputs.size(), " lists for ", getSize(), " ranks");
  for (const Tensors& of_rank : outputs) {
    TORCH_CHECK_VALUE(of_rank.size() == inputs.size(), "motet: ", of_rank.size(), " outputs for ",
                      inputs.size(), " inputs");
  }
  auto work = begin({OpType::ALLGATHER_COALESCED, "all_gather", options.timeout}, inputs, outputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    require_dense(inputs[i]);
    Tensors list;
    for (const Tensors& of_rank : outputs) list.push_back(of_rank[i]);
    add_allgather_list(*work, list, inputs[i]);
  }
  return seal(work);
}

Backend::Started Backend::allgather_into_tensor_coalesced(Tensors& outputs, Tensors& inputs,
                                                          const c10d::AllgatherOptions& options) {
  TORCH_CHECK_VALUE(outputs.size() == inputs.size(), "motet: ", outputs.size(), " outputs for ",
                    inputs.size(), " inputs");
  auto work = begin({OpType::ALLGATHER_INTO_TENSOR_COALESCED, "all_gather", options.timeout},
                    inputs, {outputs});
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    require_dense(outputs[i]);
    require_dense(inputs[i]);
    add_allgather(*work, outputs[i], inputs[i]);
  }
  return seal(work);
}

// `all`: at the root, what Motet can write; elsewhere undefined.
void Backend::add_gather(Work& work, const at::Tensor& all, const at::Tensor& input, int root) {
  const at::Tensor mine = readable(input);
  const Elements in = moved(mine);
  void* const out = all.defined() ? all.data_ptr() : nullptr;
  work.add({mine, all}, [&](motet_comm* comm, const motet_call* call) {
    return motet_gather(in.data, out, in.count, in.type, root, comm, call);
  });
}

Backend::Started Backend::gather(std::vector<Tensors>& outputs, Tensors& inputs,
                                 const c10d::GatherOptions& options) {
  const at::Tensor& input = only(inputs);
  const int root = static_cast<int>(options.rootRank);
  const bool is_root = root == getRank();
  if (is_root) require_alike(only(outputs, getSize()), input);
  auto work = begin({OpType::GATHER, "gather", options.timeout}, inputs, outputs);
  add_gather(*work, is_root ? writable(outputs.front(), *work) : at::Tensor(), input, root);
  return seal(work);
}

Backend::Started Backend::gather_single(at::Tensor& output, at::Tensor& input,
                                        const c10d::GatherOptions& options) {
  require_dense(input);
  const int root = static_cast<int>(options.rootRank);
  const bool is_root = root == getRank();
  if (is_root) {
    require_dense(output);
    require_same_type(output, input);
    require_parts(output, input, getSize());
  }
  auto work = begin({OpType::GATHER, "gather", options.timeout}, {input}, {{output}});
  add_gather(*work, is_root ? writable(output, *work) : at::Tensor(), input, root);
  return seal(work);
}

Backend::Started Backend::scatter(Tensors& outputs, std::vector<Tensors>& inputs,
                                  const c10d::ScatterOptions& options) {
  const at::Tensor& output = only(outputs);
  const int root = static_cast<int>(options.rootRank);
  const bool is_root = root == getRank();
  if (is_root) require_alike(only(inputs, getSize()), output);
  auto work = begin({OpType::SCATTER, "scatter", options.timeout}, outputs, {outputs});
  const at::Tensor all = is_root ? flattened(inputs.front()) : at::Tensor();
  const at::Tensor mine = writable(output, *work);
  const Elements out = moved(mine);
  const void* const in = is_root ? all.const_data_ptr() : nullptr;
  work->add({mine, all}, [&](motet_comm* comm, const motet_call* call) {
    return motet_scatter(in, out.data, out.count, out.type, root, comm, call);
  });
  return seal(work);
}

void Backend::add_reduce_scatter(Work& work, const at::Tensor& output, const at::Tensor& input,
                                 const c10d::ReduceOp& op) {
  require_same_type(output, input);
  require_parts(input, output, getSize());
  const Reduction reduction = reduction_of(op, input);
  const at::Tensor all = readable(input), mine = writable(output, work);
  const Elements in = combined(all), out = combined(mine);
  work.add({all, mine}, [&](motet_comm* comm, const motet_call* given) {
    const Call call(*given, reduction);
    return motet_reduce_scatter(in.data, out.data, out.count, out.type, reduction.op, comm, &call);
  });
}

Backend::Started Backend::_reduce_scatter_base(at::Tensor& output, at::Tensor& input,
                                               const c10d::ReduceScatterOptions& options) {
  require_dense(output);
  require_dense(input);
  auto work =
      begin({OpType::_REDUCE_SCATTER_BASE, "reduce_scatter", options.timeout}, {input}, {{output}});
  add_reduce_scatter(*work, output, input, options.reduceOp);
  return seal(work);
}

Backend::Started Backend::reduce_scatter_tensor_coalesced(
    Tensors& outputs, Tensors& inputs, const c10d::ReduceScatterOptions& options) {
  TORCH_CHECK_VALUE(outputs.size() == inputs.size(), "motet: ", outputs.size(), " outputs for ",
                    inputs.size(), " inputs");
  auto work = begin({OpType::REDUCE_SCATTER_TENSOR_COALESCED, "reduce_scatter", options.timeout},
                    inputs, {outputs});
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    require_dense(outputs[i]);
    require_dense(inputs[i]);
    add_reduce_scatter(*work, outputs[i], inputs[i], options.reduceOp);
  }
  return seal(work);
}

Backend::Started Backend::reduce_scatter(Tensors& outputs, std::vector<Tensors>& inputs,
                                         const c10d::ReduceScatterOptions& options) {
  const at::Tensor& output = only(outputs);
  const Tensors& list = only(inputs, getSize());
  for (const at::Tensor& input : list) require_same_type(output, input);
  auto work = begin({OpType::REDUCE_SCATTER, "reduce_scatter", options.timeout}, list, {outputs});
  const at::Tensor all = flattened(list);
  const std::vector<std::size_t> counts = counts_of(list);
  if (are_equal(counts)) {
    add_reduce_scatter(*work, output, all, options.reduceOp);
    return seal(work);
  }
  const Reduction reduction = reduction_of(options.reduceOp, all);
  const at::Tensor mine = writable(output, *work);
  const Elements in = combined(all), out = combined(mine);
  const std::vector<std::size_t> parts = in_units_of(out, output, counts);
  TORCH_CHECK_VALUE(parts[static_cast<std::size_t>(getRank())] == out.count,
                    "motet: reduce_scatter into a tensor of another length than this rank's part");
  work->add({all, mine}, [&](motet_comm* comm, const motet_call* given) {
    const Call call(*given, reduction);
    return motet_reduce_scatterv(in.data, out.data, parts.data(), out.type, reduction.op, comm,
                                 &call);
  });
  return seal(work);
}

void Backend::add_alltoall(Work& work, const at::Tensor& output, const at::Tensor& input,
                           std::vector<std::size_t> receive_counts,
                           std::vector<std::size_t> send_counts) {
  require_same_type(output, input);
  const at::Tensor from = readable(input), to = writable(output, work);
  const Elements in = moved(from), out = moved(to);
  receive_counts = in_units_of(out, output, std::move(receive_counts));
  send_counts = in_units_of(in, input, std::move(send_counts));
  work.add({from, to}, [&](motet_comm* comm, const motet_call* call) {
    return motet_alltoallv(in.data, send_counts.data(), out.data, receive_counts.data(), in.type,
                           comm, call);
  });
}

Backend::Started Backend::alltoall_base(at::Tensor& output, at::Tensor& input,
                                        Splits& output_splits, Splits& input_splits,
                                        const c10d::AllToAllOptions& options) {
  require_dense(output);
  require_dense(input);
  auto work = begin({OpType::ALLTOALL_BASE, "all_to_all", options.timeout}, {input}, {{output}});
  if (!output_splits.empty() || !input_splits.empty()) {
    add_alltoall(*work, output, input, counts_of_splits(output_splits, output, getSize()),
                 counts_of_splits(input_splits, input, getSize()));
    return seal(work);
  }
  require_same_type(output, input);
  TORCH_CHECK_VALUE(output.numel() == input.numel() && input.numel() % getSize() == 0,
                    "motet: all_to_all of ", input.numel(), " elements into ", output.numel(),
                    " on ", getSize(), " ranks");
  const at::Tensor from = readable(input), to = writable(output, *work);
  const Elements in = moved(from), out = moved(to);
  const std::size_t each = in.count / static_cast<std::size_t>(getSize());
  work->add({from, to}, [&](motet_comm* comm, const motet_call* call) {
    return motet_alltoall(in.data, out.data, each, in.type, comm, call);
  });
  return seal(work);
}

Backend::Started Backend::alltoall(Tensors& outputs, Tensors& inputs,
                                   const c10d::AllToAllOptions& options) {
  const auto size = static_cast<std::size_t>(getSize());
  TORCH_CHECK_VALUE(outputs.size() == size && inputs.size() == size, "motet: all_to_all of ",
                    inputs.size(), " tensors into ", outputs.size(), " on ", size, " ranks");
  for (std::size_t i = 0; i < size; ++i) {
    require_dense(outputs[i]);
    require_dense(inputs[i]);
    require_same_type(outputs[i], inputs.front());
    require_same_type(inputs[i], inputs.front());
  }
  auto work = begin({OpType::ALLTOALL, "all_to_all", options.timeout}, inputs, {outputs});
  const at::Tensor from = flattened(inputs), to = writable(outputs, *work);
  add_alltoall(*work, to, from, counts_of(outputs), counts_of(inputs));
  return seal(work);
}

}  // namespace motet::torch
