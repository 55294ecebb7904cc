// How fast a collective can be on a fabric at best, whatever the algorithm: proven from cuts, so
// that a measured or simulated time may be given as a share of it. Latencies and the speed of
// processors are left out. A share above 1 is a bug, here or there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "topology/fabric.hpp"

namespace motet {

struct Bound {
  // The most bytes per second that S / time can reach, exactly, as a fraction; S is the whole
  // vector, of an alltoall what each rank has to send in all. 1/0 where nothing has to be sent, 0
  // where links lack.
  std::int64_t numerator = 1;
  std::int64_t denominator = 0;
  // Whether some algorithm reaches it on large messages; else the best of the cuts that were tried.
  bool reached = false;
  // What binds: all of this must get into these ranks (rooted collectives: or out of them), or for
  // an allreduce between the parts of which these are one.
  std::vector<Rank> ranks{};
  std::string binding{};  // "group 0 (ranks 0-3): 4 roce + 1 pcie"

  Bandwidth algbw() const;
  Seconds time(double bytes) const;  // zero for nothing
};

// `root`: of rooted collectives. barrier, send and recv have no bound: 1/0.
//   allgather, reduce_scatter  the worst of all cuts; reached (ForestColl)
//   broadcast, reduce          the least cut from the root to a rank; reached (Edmonds)
//   scatter, gather            the worst of all cuts from the root; reached
//   allreduce                  the worst of the partitions into ranks, the groups of a tier, or two
//   alltoall                   the worst of the cuts around a rank or a group
Bound bound(const Fabric& fabric, Collective collective, Rank root = 0);

}  // namespace motet
