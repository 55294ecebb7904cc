// One collective call as motet-perf makes it, from run-time type, op and kind.
#pragma once

#include <motet/motet.hpp>
#include <motet/plan.hpp>
#include <vector>

#include "options.hpp"
#include "pattern.hpp"

namespace motet_perf {

struct Call {
  Shape shape;
  TypeRow type;
  OpRow op;
  const std::byte* in;
  std::byte* out;
  std::vector<std::size_t> counts{};    // of v-forms: part_counts(shape)
  std::vector<std::size_t> received{};  // of alltoallv
};

// With the counts that the call of `rank` needs, and no buffers.
Call call_of(const Shape& shape, const TypeRow& type, const OpRow& op, int rank);

// What the library expects of the call; of sendrecv, which is two, zeros. Throws motet::Error.
motet_prediction expect(const motet::Communicator& comm, const Call& call, const How& how);

// Blocks. Throws motet::Error. sendrecv sends to the next rank while it receives from the previous
// one.
void invoke(const motet::Communicator& comm, const Call& call, const How& how);

// The call as it is made many times: anew each time, or by a plan. Refers to all that it is given.
class Repeated {
 public:
  // Throws motet::Error.
  Repeated(const motet::Communicator& comm, const Call& call, const How& how);
  // As invoke().
  void run();

 private:
  const motet::Communicator& comm_;
  const Call& call_;
  const How& how_;
  std::vector<motet::Plan> plans_;  // none if it is made anew; of sendrecv both
};

}  // namespace motet_perf
