// The v-forms of the C interface: a thin translation, as motet_c.cpp.
#include "communicator/c_boundary.hpp"

using motet::Collective;
using motet::DataType;
using motet::Form;
using motet::from;
using motet::ReduceOp;
using motet::run_uneven;

extern "C" {

motet_status motet_allgatherv(const void* in, void* out, const size_t* counts, motet_type type,
                              motet_comm* comm, const motet_call* call) {
  return run_uneven({.collective = Collective::allgather,
                     .type = from<DataType>(type),
                     .input = in,
                     .output = out,
                     .counts = counts,
                     .form = Form::uneven},
                    comm, call);
}

motet_status motet_reduce_scatterv(const void* in, void* out, const size_t* counts, motet_type type,
                                   motet_op op, motet_comm* comm, const motet_call* call) {
  return run_uneven({.collective = Collective::reduce_scatter,
                     .type = from<DataType>(type),
                     .op = from<ReduceOp>(op),
                     .input = in,
                     .output = out,
                     .counts = counts,
                     .form = Form::uneven},
                    comm, call);
}

motet_status motet_alltoallv(const void* in, const size_t* send_counts, void* out,
                             const size_t* recv_counts, motet_type type, motet_comm* comm,
                             const motet_call* call) {
  return run_uneven({.collective = Collective::alltoall,
                     .type = from<DataType>(type),
                     .input = in,
                     .output = out,
                     .counts = send_counts,
                     .received_counts = recv_counts,
                     .form = Form::uneven},
                    comm, call);
}

motet_status motet_gatherv(const void* in, size_t count, void* out, const size_t* counts,
                           motet_type type, int root, motet_comm* comm, const motet_call* call) {
  return run_uneven({.collective = Collective::gather,
                     .type = from<DataType>(type),
                     .root = root,
                     .input = in,
                     .output = out,
                     .count = count,
                     .counts = counts,
                     .form = Form::uneven},
                    comm, call);
}

motet_status motet_scatterv(const void* in, const size_t* counts, void* out, size_t count,
                            motet_type type, int root, motet_comm* comm, const motet_call* call) {
  return run_uneven({.collective = Collective::scatter,
                     .type = from<DataType>(type),
                     .root = root,
                     .input = in,
                     .output = out,
                     .count = count,
                     .counts = counts,
                     .form = Form::uneven},
                    comm, call);
}

}  // extern "C"
