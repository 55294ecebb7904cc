/* Every rank contributes its rank + 1 in every element; the sum must be 1 + 2 + ... + size.
 *   ./run.sh 4 build/c_allreduce */
#include <motet/motet.h>
#include <stdio.h>
#include <stdlib.h>

enum { count = 1000 };

static void must(motet_status status) {
  if (status == motet_ok) return;
  fprintf(stderr, "c_allreduce: %s\n", motet_last_error());
  exit(1);
}

int main(void) {
  static float in[count], out[count];
  motet_comm* comm = NULL;
  must(motet_comm_create(NULL, &comm)); /* RANK, WORLD_SIZE, MASTER_ADDR, ... or mpirun, srun */
  const int rank = motet_comm_rank(comm);
  const int size = motet_comm_size(comm);

  for (int i = 0; i < count; ++i) in[i] = (float)(rank + 1);
  must(motet_allreduce(in, out, count, motet_float32, motet_sum, comm, NULL));

  const float expected = (float)(size * (size + 1) / 2);
  int wrong = 0;
  for (int i = 0; i < count; ++i) wrong += out[i] != expected;
  printf("rank %d of %d: every element is %g, %d wrong\n", rank, size, (double)out[0], wrong);
  must(motet_comm_destroy(comm));
  return wrong == 0 ? 0 : 1;
}
