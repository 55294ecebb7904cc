// The v-forms of the C interface: a thin translation, as motet_c.cpp.
#include "communicator/c_boundary.hpp"

using motet::Arguments;
using motet::Collective;
using motet::DataType;
using motet::Form;
using motet::from;
using motet::ReduceOp;
using motet::run_uneven;

namespace {

// What all v-forms have.
Arguments uneven(Collective collective, const void* in, void* out, motet_type type) {
  return {.collective = collective,
          .type = from<DataType>(type),
          .input = in,
          .output = out,
          .form = Form::uneven};
}

// And what those with a root have.
Arguments rooted(Arguments arguments, int root, size_t count, const size_t* counts) {
  arguments.root = root;
  arguments.count = count;
  arguments.counts = counts;
  return arguments;
}

}  // namespace

extern "C" {

motet_status motet_allgatherv(const void* in, void* out, const size_t* counts, motet_type type,
                              motet_comm* comm, const motet_call* call) {
  Arguments arguments = uneven(Collective::allgather, in, out, type);
  arguments.counts = counts;
  return run_uneven(arguments, comm, call);
}

motet_status motet_reduce_scatterv(const void* in, void* out, const size_t* counts, motet_type type,
                                   motet_op op, motet_comm* comm, const motet_call* call) {
  Arguments arguments = uneven(Collective::reduce_scatter, in, out, type);
  arguments.op = from<ReduceOp>(op);
  arguments.counts = counts;
  return run_uneven(arguments, comm, call);
}

motet_status motet_alltoallv(const void* in, const size_t* send_counts, void* out,
                             const size_t* recv_counts, motet_type type, motet_comm* comm,
                             const motet_call* call) {
  Arguments arguments = uneven(Collective::alltoall, in, out, type);
  arguments.counts = send_counts;
  arguments.received_counts = recv_counts;
  return run_uneven(arguments, comm, call);
}

motet_status motet_gatherv(const void* in, size_t count, void* out, const size_t* counts,
                           motet_type type, int root, motet_comm* comm, const motet_call* call) {
  const Arguments arguments = uneven(Collective::gather, in, out, type);
  return run_uneven(rooted(arguments, root, count, counts), comm, call);
}

motet_status motet_scatterv(const void* in, const size_t* counts, void* out, size_t count,
                            motet_type type, int root, motet_comm* comm, const motet_call* call) {
  const Arguments arguments = uneven(Collective::scatter, in, out, type);
  return run_uneven(rooted(arguments, root, count, counts), comm, call);
}

}  // extern "C"
