// How a peer library is measured: the same program around each, with the rules of motet-perf, so
// that only the library differs. A library fills in `struct library` and calls `measure_peer` once
// per rank. One thread per rank.
#ifndef MOTET_BENCH_COMPARE_PEER_H
#define MOTET_BENCH_COMPARE_PEER_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum collective { allreduce, allgather, broadcast, reduce_scatter, alltoall, barrier };

// One call, as every rank makes it over and over. fp32, sum, root 0.
struct call {
  enum collective collective;
  size_t count;  // elements: of the whole (allreduce, broadcast) or of one rank's part (the others)
  float* in;     // may be `out`: always for broadcast, and where the library works in place
  float* out;
};

struct library {
  int rank, ranks;
  // Whether it can do it at all, and whether it does it in place.
  int (*offers)(enum collective collective);
  int (*in_place)(enum collective collective);
  // Before the first call with these arguments, outside the timed part.
  void (*prepare)(const struct call* call);
  void (*invoke)(const struct call* call);  // blocks
  void (*barrier)(void);
  // Puts the largest over all ranks in place of each value.
  void (*largest)(double* values, size_t count);
};

// arguments: COLLECTIVE SIZES MODES, for instance `allreduce 8,1024 hot,fresh`, and perhaps
// --start-together: fresh calls begin at the same time of the machine's clock. Rank 0 prints a JSON
// object per size and mode. The exit status: 0, 1 after wrong results, 2 for arguments without
// sense.
int measure_peer(int argc, char** argv, const struct library* library);

#ifdef __cplusplus
}
#endif

#endif
