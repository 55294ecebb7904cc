// One rank's side of a cell: its buffers, the areas both ranks map, and what it tells the peer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "cell.hpp"
#include "flags.hpp"
#include "kernels.hpp"
#include "memory.hpp"
#include "pair.hpp"

namespace motet_limits {

// A line that brings its own flag. Its first word never holds anything but sequence numbers, so no
// payload is mistaken for one.
struct alignas(line_bytes) Line64 {
  static constexpr std::size_t floats = (line_bytes - sizeof(Word)) / sizeof(float);
  Word sequence;
  std::array<float, floats> payload;
};

enum class Buffers : std::uint8_t { ordinary, shared };  // shared: both ranks map both's buffers

// What both ranks map, made before they are forked.
class Arena {
 public:
  static constexpr std::size_t slot_area_floats = std::size_t{2} << 20;
  static constexpr std::size_t ring_lines = 512;

  explicit Arena(std::size_t largest_buffer_bytes);

  float* slots(int rank) const;    // slot_area_floats for what a rank publishes
  float* results(int rank) const;  // and for what it has computed
  Line64* ring(int rank) const;
  Ends shared_ends(int rank) const;

 private:
  std::size_t buffer_floats_;
  SharedPages rings_, areas_, buffers_;
};

struct Side {
  Side(Pair& both, const Arena& arena, const Cell& problem, const Ends& own, const Ends& other);

  Pair& pair;
  Cell cell;
  Ends ends, peer_ends;  // the peer's lie in its address space; mapped here if shared
  Exchange mine, theirs;
  float *slots, *results;
  const float *peer_slots, *peer_results;
  Line64 *ring, *peer_ring;
  // Blocks, or lines, that all calls before have sent; both ranks' are equal.
  std::uint64_t sequence = 0;
  // How far the peer is known to have taken what was sent, where nothing comes back.
  std::uint64_t taken = 0;

  // Before a variant's first call: all numbers start anew.
  void begin();
  // The first `blocks` of this call have come as far as `word` says.
  void tell(std::size_t word, std::uint64_t blocks) {
    told.words[word].store(sequence + blocks, std::memory_order_release);
  }
  void hear(std::size_t word, std::uint64_t blocks) const {
    spin_until_at_least(heard.words[word], sequence + blocks);
  }
  // Waits until the receiver has room for block number `block` of this call.
  void await_room(std::size_t word, std::uint64_t block, std::uint64_t room);

  Flags& told;
  const Flags& heard;
};

// Who makes which half of `count` floats that both ranks get.
struct Halves {
  struct Range {
    std::size_t start, count;
  };

  explicit Halves(const Side& side);

  Range mine, theirs;
};

}  // namespace motet_limits
