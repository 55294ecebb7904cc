// Loops over slots in shared memory: the one way for buffers that only their owner maps. Slots
// change hands: a rank writes where it was the last to read, since lines that lie in the other's
// cache cost as much to write as to read. So no credits are needed either.
#include "kernels.hpp"
#include "pipeline.hpp"
#include "variant.hpp"

namespace motet_limits {
namespace {

float* slot_at(const Side& side, const Plan& plan, std::size_t area, std::size_t index) {
  return side.arena.slots(area) + index * plan.block_floats;
}

// Where block `number`, counted over all calls, of `rank` lies when the two exchange: where the
// peer's block lay that this rank has taken just before it publishes.
float* swapped_slot(const Side& side, const Plan& plan, std::size_t rank, std::uint64_t number) {
  const std::size_t pairs = plan.ahead + 1;
  return slot_at(side, plan, (rank + number / pairs) % 2, number % pairs);
}

void publish(const Exchange& e, const Kernels& k, float* slot, std::size_t from,
             std::size_t count) {
  if (e.stays == e.send && e.stays_count > 0) {
    k.copy_twice(e.stays_into + from, slot, e.send + from, count);
    return;
  }
  kernels(Stores::cached).copy(slot, e.send + from, count);
  if (e.stays_count > 0) k.copy(e.stays_into + from, e.stays + from, count);
}

void take(const Exchange& e, const Kernels& k, const float* slot, std::size_t from,
          std::size_t count) {
  if (e.addend != nullptr)
    k.add(e.into + from, e.addend + from, slot, count);
  else
    k.copy(e.into + from, slot, count);
}

}  // namespace

// Each publishes all that the other needs and takes it straight out of the other's slots.
void one_shot(Side& side, const Plan& plan) {
  const Exchange& e = side.mine;
  const Kernels& k = kernels(plan.stores);
  const Blocks blocks{e.send_count, plan.block_floats};
  const std::uint64_t first = side.sequence;
  pipeline(
      blocks.number(), plan.ahead,
      [&](std::size_t i) {
        float* slot = swapped_slot(side, plan, side.rank, first + i);
        publish(e, k, slot, blocks.start(i), blocks.size(i));
        side.tell(Side::published, i + 1);
      },
      [&](std::size_t i) {
        const float* slot = swapped_slot(side, plan, 1 - side.rank, first + i);
        side.hear(Side::published, i + 1);
        take(e, k, slot, blocks.start(i), blocks.size(i));
      });
  side.sequence += blocks.number();
}

// Allreduce: each combines its half in the slot where the peer published it, and the peer takes the
// result from there.
void two_shot(Side& side, const Plan& plan) {
  const Halves halves(side);
  const Kernels& k = kernels(plan.stores);
  const Blocks mine{halves.mine.count, plan.block_floats};
  const Blocks theirs{halves.theirs.count, plan.block_floats};
  const float* in = side.ends.in;
  float* out = side.ends.out;
  const std::uint64_t first = side.sequence;
  const auto slot_of = [&](std::size_t rank, std::size_t i) {
    const std::size_t slots = 2 * plan.ahead + 1;  // from the publishing to the taking back
    return slot_at(side, plan, rank, (first + i) % slots);
  };
  const std::size_t number = std::max(mine.number(), theirs.number());
  pipeline(
      number, plan.ahead,
      [&](std::size_t i) {
        const float* from = in + halves.theirs.start + theirs.start(i);
        kernels(Stores::cached).copy(slot_of(side.rank, i), from, theirs.size(i));
        side.tell(Side::published, i + 1);
      },
      [&](std::size_t i) {
        float* slot = slot_of(1 - side.rank, i);
        const std::size_t at = halves.mine.start + mine.start(i);
        side.hear(Side::published, i + 1);
        k.add_twice(out + at, slot, in + at, slot, mine.size(i));
        side.tell(Side::combined, i + 1);
      },
      [&](std::size_t i) {
        const std::size_t at = halves.theirs.start + theirs.start(i);
        side.hear(Side::combined, i + 1);
        k.copy(out + at, slot_of(side.rank, i), theirs.size(i));
      });
  side.sequence += number;
}

// One way only, so slots cannot change hands: the receiver says what it has taken, and the sender
// looks when it is out of slots.
void stream(Side& side, const Plan& plan) {
  const Exchange& e = side.mine;
  const Kernels& k = kernels(plan.stores);
  const Blocks blocks{side.cell.count, plan.block_floats};
  const std::size_t slots = plan.ahead + 1;
  for (std::size_t i = 0; i < blocks.number(); ++i) {
    float* slot = slot_at(side, plan, 0, (side.sequence + i) % slots);
    if (e.send_count > 0) {
      side.await_room(i, slots);
      publish(e, k, slot, blocks.start(i), blocks.size(i));
      side.tell(Side::published, i + 1);
    } else {
      side.hear(Side::published, i + 1);
      take(e, k, slot, blocks.start(i), blocks.size(i));
      side.tell(Side::taken, i + 1);
    }
  }
  side.sequence += blocks.number();
}

}  // namespace motet_limits
