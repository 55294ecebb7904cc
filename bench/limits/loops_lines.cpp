// Loops for small messages: lines that bring their own flag, so that one trip brings both.
#include <algorithm>
#include <cstring>

#include "pipeline.hpp"
#include "variant.hpp"

namespace motet_limits {
namespace {

constexpr std::size_t taken_word = 1;

// Few enough that no loop of vectors is worth its start.
void copy_few(float* to, const float* from, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = from[i];
}

void add_few(float* to, const float* a, const float* b, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = a[i] + b[i];
}

void write(Line64& line, const float* from, std::size_t count, std::uint64_t sequence) {
  copy_few(line.payload.data(), from, count);
  line.sequence.store(sequence, std::memory_order_release);
}

void read(const Line64& line, const Exchange& e, std::size_t at, std::size_t count,
          std::uint64_t sequence) {
  spin_until([&] { return line.sequence.load(std::memory_order_acquire) == sequence; });
  if (e.addend != nullptr)
    add_few(e.into + at, e.addend + at, line.payload.data(), count);
  else
    copy_few(e.into + at, line.payload.data(), count);
}

Blocks lines_of(std::size_t count) {
  return {count, Line64::floats};
}

}  // namespace

// plan.slots lines at least two calls' worth: a rank that begins call c has read all of the peer's
// call c - 1, before which the peer had read all of c - 2.
void exchange_lines(Side& side, const Plan& plan) {
  const Exchange& e = side.mine;
  const Blocks lines = lines_of(e.send_count);
  const std::uint64_t first = side.sequence;
  for (std::size_t i = 0; i < lines.number(); ++i)
    write(side.ring[(first + i) % plan.slots], e.send + lines.start(i), lines.size(i),
          first + i + 1);
  if (e.stays_count > 0) kernels(Stores::cached).copy(e.stays_into, e.stays, e.stays_count);
  for (std::size_t i = 0; i < lines.number(); ++i)
    read(side.peer_ring[(first + i) % plan.slots], e, lines.start(i), lines.size(i), first + i + 1);
  side.sequence += lines.number();
}

// The receiver tells only at the end of a call, so plan.slots must hold a call.
void stream_lines(Side& side, const Plan& plan) {
  const Exchange& e = side.mine;
  const Blocks lines = lines_of(side.cell.count);
  const std::uint64_t first = side.sequence;
  for (std::size_t i = 0; i < lines.number(); ++i) {
    const std::size_t slot = (first + i) % plan.slots;
    if (e.send_count > 0) {
      side.await_room(taken_word, i, plan.slots);
      write(side.ring[slot], e.send + lines.start(i), lines.size(i), first + i + 1);
    } else {
      read(side.peer_ring[slot], e, lines.start(i), lines.size(i), first + i + 1);
    }
  }
  if (e.send_count == 0) side.tell(taken_word, lines.number());
  if (e.stays_count > 0) kernels(Stores::cached).copy(e.stays_into, e.stays, e.stays_count);
  side.sequence += lines.number();
}

void exchange_flags(Side& side, const Plan&) {
  side.tell(0, 1);
  side.hear(0, 1);
  side.sequence += 1;
}

}  // namespace motet_limits
