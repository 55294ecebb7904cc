#include "any_number.h"

motet_status allreduce_by_number(const void* in, void* out, int type, int op, motet_comm* comm) {
  return motet_allreduce(in, out, 5, (motet_type)type, (motet_op)op, comm, NULL);
}
