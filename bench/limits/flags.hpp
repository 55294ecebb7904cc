// What one rank tells the other: words that only grow, in one cache line per direction.
#pragma once

#include <hwy/cache_control.h>
#include <sched.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace motet_limits {

inline constexpr std::size_t line_bytes = 64;
inline constexpr std::size_t apart = 128;  // some machines fetch neighbouring lines in pairs

using Word = std::atomic<std::uint64_t>;

// Written by one rank, read by the other. Storing with release, and loading with acquire, orders
// what is published before the flag.
struct alignas(apart) Flags {
  std::array<Word, line_bytes / sizeof(Word)> words;
};

// A pause between two looks makes a line's way a third shorter: looks take it from the writer. A
// machine with fewer free cores than ranks gets on as well.
template <class Ready>
void spin_until(Ready&& ready) {
  constexpr int looks_before_yielding = 1 << 12;  // tens of microseconds
  for (int looks = 0; !ready(); ++looks) {
    hwy::Pause();
    if (looks >= looks_before_yielding) sched_yield();
  }
}

inline void spin_until_at_least(const Word& word, std::uint64_t value) {
  spin_until([&] { return word.load(std::memory_order_acquire) >= value; });
}

// Where both ranks write and then wait for the other's. `meeting` is 1, 2, ... on both.
struct MeetingFlags {
  std::array<Flags, 2> lines;

  // Each rank has a line.
  void meet(int rank, std::uint64_t meeting) {
    lines[rank].words[0].store(meeting, std::memory_order_release);
    spin_until_at_least(lines[1 - rank].words[0], meeting);
  }
  // Lines change hands: each rank writes where it has just read. Faster between cores that share a
  // cache, slower between others.
  void meet_swapped(int rank, std::uint64_t meeting) {
    const std::uint64_t mine = (meeting + static_cast<std::uint64_t>(rank)) % 2;
    lines[mine].words[0].store(meeting, std::memory_order_release);
    spin_until_at_least(lines[1 - mine].words[0], meeting);
  }
};

}  // namespace motet_limits
