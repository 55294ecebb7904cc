// Reusable parts of algorithms, written on a Group and its Shares: the same function serves the
// world, a node and a rail. Each is called by every member of the group and writes only that
// member's steps.
//
// Nothing is copied first: a reduction reads this rank's contribution where it lies (`from`) until
// the first incoming one has been combined with it, and writes to `into`, which may be the same
// memory (in place).
#pragma once

#include "algorithms/shares.hpp"
#include "schedule/builder.hpp"
#include "topology/group.hpp"

namespace motet {

using Via = ScheduleBuilder::Via;

// How a message goes straight from its sender to its receiver: by params.mover. Where these two
// alone know its length, a short one is buffered; they agree on that if they do on the length.
Via via_of(const Problem& problem, const Slice& message);

// A combination under way.
class Sum {
 public:
  Sum(ScheduleBuilder& b, Slice from, Slice into) : b_(b), now_(from), into_(into) {}

  Slice now() const { return now_; }  // where the value so far lies
  // value = value op incoming, or incoming op value.
  void add(Rank peer, Via via);
  void add_in_front(Rank peer, Via via);
  // Sees that the value lies in `into`, also if nothing was combined with it.
  void settle() { b_.copy(now_, into_); }

 private:
  ScheduleBuilder& b_;
  Slice now_, into_;
};

// Whether operands must be combined in the order of the ranks.
enum class Order { own_first, by_rank };

// One member's part in combining everybody's contributions.
struct Combination {
  Slice from, into;
  Order order = Order::own_first;
};

// Receives the other members' contributions and combines them with mine. own_first goes round the
// group downwards, so that no sender is asked by everybody at once; by_rank is a left fold.
void combine_all(ScheduleBuilder& b, const Group& group, const Combination& c, Via via);

// Sends `data` to every other member, one send after the other so that one publication serves all.
void send_to_all(ScheduleBuilder& b, const Group& group, Slice data, Via via);

// Where a rank can combine the whole vector: output, if it is that long, else the input of an
// in-place reduce_scatter, else scratch. Holds nothing yet, unless it is the input.
Slice accumulator(const Problem& problem, ScheduleBuilder& b);

// --- reduce-scatter: my share of the sum goes to `result`, others' are combined in `into` on the
// way.

struct Reduction {
  Shares from, into;
  Slice result;
  Order order = Order::own_first;  // only the mesh can do otherwise
};

// All links at once. `into` is not used.
void mesh_reduce_scatter(ScheduleBuilder& b, const Group& group, const Reduction& r, Via via);
// Requires group.size() to be a power of two.
void halving_reduce_scatter(ScheduleBuilder& b, const Group& group, const Reduction& r, Via via);
// ceil(log2 n) rounds for every n.
void circulant_reduce_scatter(ScheduleBuilder& b, const Group& group, const Reduction& r, Via via);
// n - 1 rounds between neighbours. Each share is cut into params.channels streams, odd ones going
// round the other way, and each of these into params.chunks.
void ring_reduce_scatter(ScheduleBuilder& b, const Group& group, const Reduction& r,
                         const Params& params);

// --- allgather: my share lies in `mine`, all of them, mine too, end up in `all`.

struct Gathering {
  Slice mine;
  Shares all;
  int complete = -1;  // a member that has all shares already, to whom nothing is sent
};

void mesh_allgather(ScheduleBuilder& b, const Group& group, const Gathering& g, Via via);
// Requires group.size() to be a power of two.
void doubling_allgather(ScheduleBuilder& b, const Group& group, const Gathering& g, Via via);
// ceil(log2 n) rounds for every n.
void circulant_allgather(ScheduleBuilder& b, const Group& group, const Gathering& g, Via via);
void ring_allgather(ScheduleBuilder& b, const Group& group, const Gathering& g,
                    const Params& params);

// --- barrier: nobody is done before all members have begun.

// In round k everybody signals the member 2^k on. `signal` is one element, which a message must
// have; its value never matters, and sharing it puts the rounds in order.
void disseminate(ScheduleBuilder& b, const Group& group, Slice signal);

// --- trees: the first member is the root.

void binomial_broadcast(ScheduleBuilder& b, const Group& group, Slice data, Via via);
// The sum of everybody's `from` in `sum` at the first member; combines in the order of the group.
void binomial_reduce(ScheduleBuilder& b, const Group& group, Sum& sum, Via via);
// The root has all shares; member i gets share i. On the way a member also holds shares of its
// subtree.
void binomial_scatter(ScheduleBuilder& b, const Group& group, const Shares& all, Via via);
void binomial_gather(ScheduleBuilder& b, const Group& group, const Shares& all, Via via);

}  // namespace motet
