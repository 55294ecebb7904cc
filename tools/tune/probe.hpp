// What motet-tune measures: every algorithm at some sizes, on some ranks over one transport. Ranks
// are processes of their own; rank 0 leaves the rows in a file for the process that started them.
#pragma once

#include <motet/motet.hpp>
#include <vector>

#include "rows.hpp"

namespace motet_tune {

struct Probe {
  std::size_t smallest = 1024, largest = std::size_t{64} << 20;
  std::size_t factor = 8;
  int rounds = 5;
  double sample_ms = 2;
};

// Collective; every rank gets the rows, of which rank 0's are to be used.
std::vector<Row> run(motet::Communicator& comm, const Probe& probe);

}  // namespace motet_tune
