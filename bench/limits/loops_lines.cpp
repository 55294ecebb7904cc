// Loops for small messages: lines that bring their own flag, so that one trip brings both.
#include "kernels.hpp"
#include "pipeline.hpp"
#include "variant.hpp"

namespace motet_limits {
namespace {

// Few enough that no loop of vectors is worth its start.
void copy_few(float* to, const float* from, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = from[i];
}

void add_few(float* to, const float* a, const float* b, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = a[i] + b[i];
}

void write(MessageLine& line, const float* from, std::size_t count, std::uint64_t sequence) {
  copy_few(line.payload.data(), from, count);
  line.sequence.store(sequence, std::memory_order_release);
}

void read(const MessageLine& line, const Exchange& e, std::size_t at, std::size_t count,
          std::uint64_t sequence) {
  spin_until([&] { return line.sequence.load(std::memory_order_acquire) == sequence; });
  if (e.addend != nullptr)
    add_few(e.into + at, e.addend + at, line.payload.data(), count);
  else
    copy_few(e.into + at, line.payload.data(), count);
}

Blocks lines_of(std::size_t count) {
  return {count, MessageLine::floats};
}

void copy_what_stays(const Exchange& e) {
  if (e.stays_count > 0) kernels(Stores::cached).copy(e.stays_into, e.stays, e.stays_count);
}

// One call, between lines that the peer has read by now and lines that it fills.
void exchange(const Exchange& e, MessageLine* mine, const MessageLine* theirs, std::uint64_t call) {
  const Blocks lines = lines_of(e.send_count);
  for (std::size_t i = 0; i < lines.number(); ++i)
    write(mine[i], e.send + lines.start(i), lines.size(i), call);
  copy_what_stays(e);
  for (std::size_t i = 0; i < lines.number(); ++i)
    read(theirs[i], e, lines.start(i), lines.size(i), call);
}

}  // namespace

// Two sets of lines for each direction, in turns: a rank that begins call c has read all of the
// peer's c - 1, before which the peer had read all of c - 2.
void exchange_own_lines(Side& side, const Plan&) {
  const std::uint64_t call = ++side.sequence;
  const std::size_t set = call % 2 * (Arena::ring_lines / 2);
  exchange(side.mine, side.arena.ring(side.rank) + set, side.arena.ring(1 - side.rank) + set, call);
}

// The lines change hands with every call: a rank writes where it has read in the call before.
void exchange_swapped_lines(Side& side, const Plan&) {
  const std::uint64_t call = ++side.sequence;
  const std::size_t area = (side.rank + call) % 2;
  exchange(side.mine, side.arena.ring(area), side.arena.ring(1 - area), call);
}

// One way only. The receiver tells at the end of a call, so the ring must hold a call.
void stream_lines(Side& side, const Plan& plan) {
  const Exchange& e = side.mine;
  const Blocks lines = lines_of(side.cell.count);
  const std::size_t ring_lines = plan.ahead + 1;
  MessageLine* ring = side.arena.ring(0);
  const std::uint64_t first = side.sequence;
  for (std::size_t i = 0; i < lines.number(); ++i) {
    MessageLine& line = ring[(first + i) % ring_lines];
    if (e.send_count > 0) {
      side.await_room(i, ring_lines);
      write(line, e.send + lines.start(i), lines.size(i), first + i + 1);
    } else {
      read(line, e, lines.start(i), lines.size(i), first + i + 1);
    }
  }
  if (e.send_count == 0) side.tell(Side::taken, lines.number());
  copy_what_stays(e);
  side.sequence += lines.number();
}

void exchange_own_flags(Side& side, const Plan&) {
  side.pair.barrier();
}

void exchange_swapped_flags(Side& side, const Plan&) {
  side.pair.swapped_barrier();
}

}  // namespace motet_limits
