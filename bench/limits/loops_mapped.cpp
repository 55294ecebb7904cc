// Loops for buffers that both ranks map: no slots, and each may write to the other's output.
#include "kernels.hpp"
#include "variant.hpp"

namespace motet_limits {
namespace {

// From here on the peer's input is there and its output may be written.
void enter(const Side& side) {
  side.pair.barrier();
}

// From here on nobody touches the other's buffers.
void leave(const Side& side) {
  side.pair.barrier();
}

void copy_what_stays(const Exchange& e, const Kernels& k) {
  if (e.stays_count > 0) k.copy(e.stays_into, e.stays, e.stays_count);
}

}  // namespace

void mapped_pull(Side& side, const Plan& plan) {
  const Exchange& e = side.mine;
  const Kernels& k = kernels(plan.stores);
  enter(side);
  if (e.addend != nullptr)
    k.add(e.into, e.addend, side.theirs.send, e.receive_count);
  else
    k.copy(e.into, side.theirs.send, e.receive_count);
  copy_what_stays(e, k);
  leave(side);
}

// Only where nothing is combined.
void mapped_push(Side& side, const Plan& plan) {
  const Exchange& e = side.mine;
  const Kernels& k = kernels(plan.stores);
  enter(side);
  if (e.stays == e.send) {
    k.copy_twice(e.stays_into, side.theirs.into, e.send, e.send_count);
  } else {
    k.copy(side.theirs.into, e.send, e.send_count);
    copy_what_stays(e, k);
  }
  leave(side);
}

// Allreduce and broadcast: each makes its half of the outputs.
void mapped_halves(Side& side, const Plan& plan) {
  const Kernels& k = kernels(plan.stores);
  const auto [start, count] = Halves(side).mine;
  float* out = side.ends.out + start;
  float* peer_out = side.peer_ends.out + start;
  enter(side);
  if (side.cell.collective == Collective::broadcast) {
    const float* root_in = side.rank == 0 ? side.ends.in : side.peer_ends.in;
    k.copy(side.rank == 0 ? peer_out : out, root_in + start, count);
  } else {
    k.add_twice(out, peer_out, side.ends.in + start, side.peer_ends.in + start, count);
  }
  leave(side);
}

}  // namespace motet_limits
