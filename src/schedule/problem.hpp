// What a collective is asked to do, as far as algorithms may know. Values that all ranks agree on,
// except in_place of rooted collectives.
#pragma once

#include <cstddef>

#include "base/types.hpp"
#include "schedule/schedule.hpp"
#include "schedule/slice.hpp"
#include "topology/topology.hpp"

namespace motet {

class Fabric;

// any: all ranks get the same bits from one call · fixed: also every later call gives them.
enum class Determinism : std::uint8_t { any, fixed };

// Who knows how long the ranks' parts are. The two ends alone: a rank knows what it sends and
// receives itself, so that nothing but the messages themselves may depend on lengths, and also
// those without elements are sent: ends that disagree find out.
enum class Lengths : std::uint8_t { known_to_all, known_to_ends };

// What the planner tunes. An algorithm says in `uses` which of them it reads.
struct Params {
  int chunks = 1;               // pieces that follow one another
  int channels = 1;             // independent streams, each carrying a share
  Mover mover = Mover::either;  // either, or receiver for a rendezvous
  int around_percent = 0;       // of the data: what goes around the tier below the outermost
  int trees = 0;                // of each root, where a fabric's are packed; 0: as it is best

  bool operator==(const Params&) const = default;
};

// Buffers, in elements (n = world size, c = Parts::count(me), total = Parts::total()):
//
//   collective      input          output         in place
//   allreduce       total          total          input is output
//   reduce          total          total at root  at the root: input is output
//   broadcast       total at root  total          at the root: input is output
//   allgather       c              total          input is output's part(me)
//   reduce_scatter  total          c              output is input's part(me), whose rest is lost
//   gather          c              total at root  at the root: input is output's part(root)
//   scatter         total at root  c              at the root: output is input's part(root)
//   alltoall        total          total          input is output
//     known to ends total          received total never
//   send            total          0              (root is the receiver)
//   recv            0              total          (root is the sender)
//   barrier         0              0
//
// allreduce, reduce and broadcast divide `total` evenly; parts of the others are the ranks' shares
// (alltoall: part(i) of input goes to rank i). Where lengths are known to the ends alone, a rank's
// problem differs from the others' in its parts: those of a gather or scatter are 0 for other ranks
// unless it is the root.
struct Problem {
  const Topology& topology;
  Collective collective;
  Parts parts;
  Parts received{};  // alltoall, lengths known to ends: part(i) of output comes from rank i
  Lengths lengths = Lengths::known_to_all;
  std::size_t element_bytes = 4;
  Rank root = 0;
  bool in_place = false;
  bool commutative = true;
  Determinism determinism = Determinism::any;
  Params params;
  const Fabric* fabric = nullptr;  // what joins the ranks, where it is known

  int world_size() const { return topology.world_size(); }
  // How the output of an alltoall is divided.
  const Parts& received_parts() const { return received.size() > 0 ? received : parts; }
};

constexpr bool is_point_to_point(Collective collective) {
  return collective == Collective::send || collective == Collective::recv;
}

// Whether the two ends of a message may think differently of its length.
constexpr bool ends_may_differ(const Problem& problem) {
  return is_point_to_point(problem.collective) || problem.lengths == Lengths::known_to_ends;
}

// Whether input and output of this rank are the same memory: in_place, where it applies.
bool works_in_place(const Problem& problem, Rank me);

// Where a rank's data comes from and goes to. In place both lie in the longer one's buffer, the
// other buffer has no elements.
struct Sides {
  Slice input, output;
};
Sides sides(const Problem& problem, Rank me);

}  // namespace motet
