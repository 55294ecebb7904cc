// Loops over slots in shared memory: the one way for buffers that only their owner maps.
#include "pipeline.hpp"
#include "variant.hpp"

namespace motet_limits {
namespace {

constexpr std::size_t published = 0, combined = 1, taken_word = 1;

// Where block `index` of this call lies in a ring of slots.
class Slots {
 public:
  Slots(const Side& side, const Plan& plan) : first_(side.sequence), plan_(plan) {}
  std::size_t offset(std::size_t index) const {
    return (first_ + index) % plan_.slots * plan_.block_floats;
  }

 private:
  std::uint64_t first_;
  const Plan& plan_;
};

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
  const Slots slots(side, plan);
  pipeline(
      blocks.number(), plan.lag(),
      [&](std::size_t i) {
        publish(e, k, side.slots + slots.offset(i), blocks.start(i), blocks.size(i));
        side.tell(published, i + 1);
      },
      [&](std::size_t i) {
        side.hear(published, i + 1);
        take(e, k, side.peer_slots + slots.offset(i), blocks.start(i), blocks.size(i));
      });
  side.sequence += blocks.number();
}

// One way only: the receiver says what it has taken, and the sender looks when it is out of slots.
void stream(Side& side, const Plan& plan) {
  const Exchange& e = side.mine;
  const Kernels& k = kernels(plan.stores);
  const Blocks blocks{side.cell.count, plan.block_floats};
  const Slots slots(side, plan);
  for (std::size_t i = 0; i < blocks.number(); ++i) {
    const std::size_t offset = slots.offset(i);
    if (e.send_count > 0) {
      side.await_room(taken_word, i, plan.slots);
      publish(e, k, side.slots + offset, blocks.start(i), blocks.size(i));
      side.tell(published, i + 1);
    } else {
      side.hear(published, i + 1);
      take(e, k, side.peer_slots + offset, blocks.start(i), blocks.size(i));
      side.tell(taken_word, i + 1);
    }
  }
  side.sequence += blocks.number();
}

// Allreduce: each combines its half and hands the result back.
void two_shot(Side& side, const Plan& plan) {
  const Halves halves(side);
  const Kernels& k = kernels(plan.stores);
  const Slots slots(side, plan);
  const Blocks mine{halves.mine.count, plan.block_floats};
  const Blocks theirs{halves.theirs.count, plan.block_floats};
  const auto& [in, out] = side.ends;
  const std::size_t number = std::max(mine.number(), theirs.number());
  pipeline(
      number, plan.lag(),
      [&](std::size_t i) {
        const float* from = in + halves.theirs.start + theirs.start(i);
        kernels(Stores::cached).copy(side.slots + slots.offset(i), from, theirs.size(i));
        side.tell(published, i + 1);
      },
      [&](std::size_t i) {
        const std::size_t at = halves.mine.start + mine.start(i);
        side.hear(published, i + 1);
        k.add_twice(out + at, side.results + slots.offset(i), in + at,
                    side.peer_slots + slots.offset(i), mine.size(i));
        side.tell(combined, i + 1);
      },
      [&](std::size_t i) {
        const std::size_t at = halves.theirs.start + theirs.start(i);
        side.hear(combined, i + 1);
        k.copy(out + at, side.peer_results + slots.offset(i), theirs.size(i));
      });
  side.sequence += number;
}

}  // namespace motet_limits
