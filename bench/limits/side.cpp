#include "side.hpp"

namespace motet_limits {

Arena::Arena(std::size_t largest_buffer_bytes)
    : buffer_floats_((largest_buffer_bytes / 4096 + 1) * 4096 / sizeof(float)),
      rings_(2 * ring_lines * sizeof(MessageLine)),
      slots_(2 * slot_area_floats * sizeof(float)),
      buffers_(4 * buffer_floats_ * sizeof(float)) {}

float* Arena::slots(std::size_t area) const {
  return reinterpret_cast<float*>(slots_.data()) + area * slot_area_floats;
}

MessageLine* Arena::ring(std::size_t area) const {
  return reinterpret_cast<MessageLine*>(rings_.data()) + area * ring_lines;
}

Ends Arena::shared_ends(int rank) const {
  float* in = reinterpret_cast<float*>(buffers_.data()) + 2 * rank * buffer_floats_;
  return {in, in + buffer_floats_};
}

void Arena::clear_ring(std::size_t area) const {
  for (std::size_t i = 0; i < ring_lines; ++i)
    ring(area)[i].sequence.store(0, std::memory_order_relaxed);
}

Side::Side(Pair& both, const Arena& shared, const Cell& problem, const Ends& own, const Ends& other)
    : pair(both),
      arena(shared),
      cell(problem),
      ends(own),
      peer_ends(other),
      mine(exchange_of(problem, both.rank(), own)),
      theirs(exchange_of(problem, 1 - both.rank(), other)),
      rank(static_cast<std::size_t>(both.rank())),
      told(both.mine()),
      heard(both.theirs()) {}

void Side::begin() {
  pair.barrier();  // nobody looks at the flags any more
  arena.clear_ring(rank);
  pair.reset_flags(0);
  sequence = 0;
  known_taken = 0;
}

void Side::await_room(std::uint64_t block, std::uint64_t room) {
  if (sequence + block < known_taken + room) return;
  hear(taken, block + 1 - room);
  known_taken = heard.words[taken].load(std::memory_order_acquire);
}

Halves::Halves(const Side& side) {
  const std::size_t half = side.cell.count / 2;
  const Range lower{0, half};
  const Range upper{half, side.cell.count - half};
  mine = side.rank == 0 ? lower : upper;
  theirs = side.rank == 0 ? upper : lower;
}

}  // namespace motet_limits
