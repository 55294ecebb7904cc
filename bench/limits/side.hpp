// One rank's side of a cell: its buffers, the areas both ranks map, and how it speaks with the
// peer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "cell.hpp"
#include "flags.hpp"
#include "memory.hpp"
#include "pair.hpp"

namespace motet_limits {

// A line that brings its own flag. Its first word never holds anything but sequence numbers, so no
// payload is mistaken for one.
struct alignas(line_bytes) MessageLine {
  static constexpr std::size_t floats = (line_bytes - sizeof(Word)) / sizeof(float);
  Word sequence;
  std::array<float, floats> payload;
};

enum class Buffers : std::uint8_t { ordinary, shared };  // shared: both ranks map both's buffers

// What both ranks map, made before they are forked: two areas, one for each rank at first, and the
// buffers.
class Arena {
 public:
  static constexpr std::size_t slot_area_floats = std::size_t{2} << 20;
  static constexpr std::size_t ring_lines = 512;

  explicit Arena(std::size_t largest_buffer_bytes);

  float* slots(std::size_t area) const;       // slot_area_floats
  MessageLine* ring(std::size_t area) const;  // ring_lines
  Ends shared_ends(int rank) const;
  void clear_ring(std::size_t area) const;

 private:
  std::size_t buffer_floats_;
  SharedPages rings_, slots_, buffers_;
};

struct Side {
  Side(Pair& both, const Arena& shared, const Cell& problem, const Ends& own, const Ends& other);

  Pair& pair;
  const Arena& arena;
  Cell cell;
  Ends ends, peer_ends;  // the peer's lie in its address space; mapped here if shared
  Exchange mine, theirs;
  std::size_t rank;
  // Blocks, or lines, that all calls before have sent; both ranks' are equal.
  std::uint64_t sequence = 0;
  // How far the peer is known to have taken what was sent, where nothing comes back.
  std::uint64_t known_taken = 0;

  // Before a variant's first call: all numbers start anew.
  void begin();
  // The first `blocks` of this call have come so far.
  enum Progress : std::uint8_t { published, combined, taken };
  void tell(Progress progress, std::uint64_t blocks) {
    told.words[progress].store(sequence + blocks, std::memory_order_release);
  }
  void hear(Progress progress, std::uint64_t blocks) const {
    spin_until_at_least(heard.words[progress], sequence + blocks);
  }
  // Waits until the receiver has room for block number `block` of this call.
  void await_room(std::uint64_t block, std::uint64_t room);

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
