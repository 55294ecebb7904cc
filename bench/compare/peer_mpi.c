// Any MPI, measured as peer.h says.
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#include "peer.h"

// The counts of MPI are ints; the sizes compared stay far below that.
static void invoke(const struct call* call) {
  const int count = (int)call->count;
  const MPI_Comm world = MPI_COMM_WORLD;
  switch (call->collective) {
    case allreduce:
      MPI_Allreduce(call->in, call->out, count, MPI_FLOAT, MPI_SUM, world);
      break;
    case allgather:
      MPI_Allgather(call->in, count, MPI_FLOAT, call->out, count, MPI_FLOAT, world);
      break;
    case broadcast:
      MPI_Bcast(call->out, count, MPI_FLOAT, 0, world);
      break;
    case reduce_scatter:
      MPI_Reduce_scatter_block(call->in, call->out, count, MPI_FLOAT, MPI_SUM, world);
      break;
    case alltoall:
      MPI_Alltoall(call->in, count, MPI_FLOAT, call->out, count, MPI_FLOAT, world);
      break;
    case barrier:
      MPI_Barrier(world);
      break;
  }
}

static void meet(void) {
  MPI_Barrier(MPI_COMM_WORLD);
}

static void largest(double* values, size_t count) {
  MPI_Allreduce(MPI_IN_PLACE, values, (int)count, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
}

static int offers(enum collective collective) {
  (void)collective;
  return 1;
}

static int in_place(enum collective collective) {
  return collective == broadcast;
}

static void prepare(const struct call* call) {
  (void)call;
}

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  struct library library = {.offers = offers,
                            .in_place = in_place,
                            .prepare = prepare,
                            .invoke = invoke,
                            .barrier = meet,
                            .largest = largest};
  MPI_Comm_rank(MPI_COMM_WORLD, &library.rank);
  MPI_Comm_size(MPI_COMM_WORLD, &library.ranks);
  const int status = measure_peer(argc, argv, &library);
  MPI_Finalize();
  return status;
}
