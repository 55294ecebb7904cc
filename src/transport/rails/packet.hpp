// What goes over a rail: a Label, then a block or what the two ends tell each other of the rails.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "transport/message.hpp"

namespace motet::rails {

inline constexpr std::size_t most_rails = 8;

enum class Kind : std::uint32_t {
  block = 0x4a11b10c,
  report,  // a Report
  ask,     // for a report, by the same rail; number comes back in it
  drop     // the sender has given up this life of a rail: number is the rail, life which
};

// As long as a cache line, so that the block keeps the alignment of its buffer.
struct alignas(64) Label {
  Header header;  // the block's, as the caller gave it
  Kind kind{};
  std::uint32_t life = 0;
  std::uint64_t number = 0;  // of a block: its place among all to this peer
};
static_assert(sizeof(Label) == 64);

// What one end has received.
struct Report {
  std::uint64_t next = 0;                         // all blocks with smaller numbers
  std::uint64_t answers = 0;                      // the latest ask; 0: none
  std::array<std::uint64_t, most_rails> bytes{};  // by rail, in its present life
  std::array<std::uint32_t, most_rails> lives{};  // of the rails
};

// Control messages share no window with blocks: no caller's stream has this number in practice, and
// sharing would only share a window.
inline constexpr std::uint32_t control_stream = 0xffff'fffd;
// Nor do blocks that go again: the windows of their own streams may be full of what came after them
// and waits for them.
constexpr std::uint32_t stream_again(std::uint64_t number) {
  return 0x8000'0000U | static_cast<std::uint32_t>(number & 0x7fff'ffffU);
}

}  // namespace motet::rails
