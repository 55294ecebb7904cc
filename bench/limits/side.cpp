#include "side.hpp"

namespace motet_limits {

Arena::Arena(std::size_t largest_buffer_bytes)
    : buffer_floats_((largest_buffer_bytes / 4096 + 1) * 4096 / sizeof(float)),
      rings_(2 * ring_lines * sizeof(Line64)),
      areas_(4 * slot_area_floats * sizeof(float)),
      buffers_(4 * buffer_floats_ * sizeof(float)) {}

float* Arena::slots(int rank) const {
  return reinterpret_cast<float*>(areas_.data()) + rank * slot_area_floats;
}

float* Arena::results(int rank) const {
  return slots(2 + rank);
}

Line64* Arena::ring(int rank) const {
  return reinterpret_cast<Line64*>(rings_.data()) + rank * ring_lines;
}

Ends Arena::shared_ends(int rank) const {
  float* in = reinterpret_cast<float*>(buffers_.data()) + 2 * rank * buffer_floats_;
  return {in, in + buffer_floats_};
}

Side::Side(Pair& both, const Arena& arena, const Cell& problem, const Ends& own, const Ends& other)
    : pair(both),
      cell(problem),
      ends(own),
      peer_ends(other),
      mine(exchange_of(problem, both.rank(), own)),
      theirs(exchange_of(problem, 1 - both.rank(), other)),
      slots(arena.slots(both.rank())),
      results(arena.results(both.rank())),
      peer_slots(arena.slots(1 - both.rank())),
      peer_results(arena.results(1 - both.rank())),
      ring(arena.ring(both.rank())),
      peer_ring(arena.ring(1 - both.rank())),
      told(both.mine()),
      heard(both.theirs()) {}

void Side::begin() {
  pair.barrier();  // nobody looks at the lines any more
  for (std::size_t i = 0; i < Arena::ring_lines; ++i)
    ring[i].sequence.store(0, std::memory_order_relaxed);
  pair.reset_flags(0);
  sequence = 0;
  taken = 0;
}

void Side::await_room(std::size_t word, std::uint64_t block, std::uint64_t room) {
  if (sequence + block < taken + room) return;
  hear(word, block + 1 - room);
  taken = heard.words[word].load(std::memory_order_acquire);
}

Halves::Halves(const Side& side) {
  const std::size_t half = side.cell.count / 2;
  const Range lower{0, half};
  const Range upper{half, side.cell.count - half};
  const bool first = side.pair.rank() == 0;
  mine = first ? lower : upper;
  theirs = first ? upper : lower;
}

}  // namespace motet_limits
