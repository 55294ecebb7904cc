// One rank, a process, that runs a scenario of calls.hpp: calls_rank SCENARIO. Exits with 0 if
// everything was right, and says what was not otherwise.
#include <cstdio>

#include "calls.hpp"

int main(int argc, char** argv) {
  using namespace motet::testing;
  motet_comm* comm = nullptr;
  try {
    must(motet_comm_create(nullptr, &comm));
    find_scenario(argc > 1 ? argv[1] : "")(World(comm));
    must(motet_barrier(comm, nullptr));
    must(motet_comm_destroy(comm));
    return 0;
  } catch (const std::exception& error) {
    std::printf("rank %d: %s\n", comm == nullptr ? -1 : motet_comm_rank(comm), error.what());
    return 1;
  }
}
