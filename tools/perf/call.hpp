// One collective call as motet-perf makes it, from run-time type, op and kind.
#pragma once

#include <motet/motet.hpp>

#include "options.hpp"
#include "pattern.hpp"

namespace motet_perf {

struct Call {
  Shape shape;
  TypeRow type;
  OpRow op;
  const std::byte* in;
  std::byte* out;
};

// What the library expects of the call; of sendrecv, which is two, zeros. Throws motet::Error.
motet_prediction expect(const motet::Communicator& comm, const Call& call, const How& how);

// Blocks. Throws motet::Error. sendrecv sends to the next rank while it receives from the previous
// one.
void invoke(const motet::Communicator& comm, const Call& call, const How& how);

}  // namespace motet_perf
