#include "any_number.h"

motet_status allreduce_by_number(const void* in, void* out, int type, int op, motet_comm* comm,
                                 const motet_call* call) {
  return motet_allreduce(in, out, 5, (motet_type)type, (motet_op)op, comm, call);
}

motet_status predict_by_number(int collective, motet_comm* comm, motet_prediction* prediction) {
  return motet_predict(comm, (motet_collective)collective, 5, motet_float32, 0, NULL, prediction);
}
