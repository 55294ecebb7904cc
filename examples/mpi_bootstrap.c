/* MPI starts the ranks and carries Motet's unique id; Motet carries the data.
 *   mpicc mpi_bootstrap.c $(pkg-config --cflags --libs motet) -o mpi_bootstrap && mpirun -n 4
 * ./mpi_bootstrap */
#include <motet/bootstrap_mpi.h>
#include <stdio.h>

static int must(motet_status status) {
  if (status == motet_ok) return 0;
  fprintf(stderr, "mpi_bootstrap: %s\n", motet_last_error());
  return MPI_Abort(MPI_COMM_WORLD, 1);
}

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  motet_comm* comm = NULL;
  must(motet_comm_create_mpi(MPI_COMM_WORLD, &comm));

  int64_t by_motet = motet_comm_rank(comm) + 1;
  int64_t by_mpi = by_motet;
  must(motet_allreduce(&by_motet, &by_motet, 1, motet_int64, motet_prod, comm, NULL));
  MPI_Allreduce(MPI_IN_PLACE, &by_mpi, 1, MPI_INT64_T, MPI_PROD, MPI_COMM_WORLD);

  if (motet_comm_rank(comm) == 0)
    printf("product over %d ranks: motet %lld, mpi %lld\n", motet_comm_size(comm),
           (long long)by_motet, (long long)by_mpi);
  must(motet_comm_destroy(comm));
  MPI_Finalize();
  return by_motet == by_mpi ? 0 : 1;
}
