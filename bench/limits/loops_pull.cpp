// Loops that read the peer's private memory by process_vm_readv: one copy instead of two, at the
// price of system calls.
#include "kernels.hpp"
#include "pipeline.hpp"
#include "pull.hpp"
#include "variant.hpp"

namespace motet_limits {
namespace {

constexpr std::size_t scratch_floats = 64 << 10;  // as the largest block

void read_peer(const Side& side, float* to, const float* from, std::size_t count) {
  pull_from(side.pair.peer_pid(), to, from, count);
}

float* scratch() {
  static const PrivateFloats floats = allocate_private(scratch_floats * sizeof(float));
  return floats.get();
}

void take(const Side& side, const Kernels& k, const Blocks& blocks) {
  const Exchange& e = side.mine;
  for (std::size_t i = 0; i < blocks.number(); ++i) {
    const std::size_t at = blocks.start(i);
    if (e.addend == nullptr) {
      read_peer(side, e.into + at, side.theirs.send + at, blocks.size(i));
    } else {
      read_peer(side, scratch(), side.theirs.send + at, blocks.size(i));
      k.add(e.into + at, e.addend + at, scratch(), blocks.size(i));
    }
  }
}

}  // namespace

void pull(Side& side, const Plan& plan) {
  const Exchange& e = side.mine;
  const Kernels& k = kernels(plan.stores);
  if (e.stays_count > 0) k.copy(e.stays_into, e.stays, e.stays_count);
  side.pair.barrier();  // the peer's input is there
  take(side, k, {e.receive_count, plan.block_floats});
  side.pair.barrier();  // nobody reads any more
}

// Allreduce: each combines its half and pulls the other, block by block, as soon as it is there.
void pull_two_shot(Side& side, const Plan& plan) {
  const Halves halves(side);
  const Blocks mine{halves.mine.count, plan.block_floats};
  const Blocks theirs{halves.theirs.count, plan.block_floats};
  const std::size_t number = std::max(mine.number(), theirs.number());
  side.pair.barrier();  // the peer's input is there
  pipeline(
      number, plan.ahead,
      [&](std::size_t i) {
        const std::size_t at = halves.mine.start + mine.start(i);
        read_peer(side, scratch(), side.peer_ends.in + at, mine.size(i));
        kernels(Stores::cached).add(side.ends.out + at, side.ends.in + at, scratch(), mine.size(i));
        side.tell(Side::combined, i + 1);
      },
      [&](std::size_t i) {
        const std::size_t at = halves.theirs.start + theirs.start(i);
        side.hear(Side::combined, i + 1);
        read_peer(side, side.ends.out + at, side.peer_ends.out + at, theirs.size(i));
      });
  side.sequence += number;
  side.pair.barrier();  // nobody reads any more
}

}  // namespace motet_limits
