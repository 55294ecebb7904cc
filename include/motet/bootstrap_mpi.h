/* Makes a Motet communicator from an MPI one. Inline, compiled by your own MPI: the library itself
 * links none. Uses one MPI_Bcast; MPI carries nothing afterwards and may be finalised before or
 * after the communicator. */
#ifndef MOTET_BOOTSTRAP_MPI_H
#define MOTET_BOOTSTRAP_MPI_H

#include <motet/motet.h>
#include <mpi.h>
#include <string.h>

/* Collective over `mpi`. Ranks keep their numbers. */
static inline motet_status motet_comm_create_mpi(MPI_Comm mpi, motet_comm** comm) {
  motet_config config;
  motet_unique_id id;
  int status = motet_ok;
  memset(&config, 0, sizeof config);
  memset(&id, 0, sizeof id);
  config.size = sizeof config;
  MPI_Comm_rank(mpi, &config.rank);
  MPI_Comm_size(mpi, &config.world_size);
  if (config.rank == 0) status = motet_unique_id_create(&id);
  MPI_Bcast(&status, 1, MPI_INT, 0, mpi);
  if (status != motet_ok) return (motet_status)status;
  MPI_Bcast(&id, (int)sizeof id, MPI_BYTE, 0, mpi);
  config.id = &id;
  return motet_comm_create(&config, comm);
}

#endif /* MOTET_BOOTSTRAP_MPI_H */
