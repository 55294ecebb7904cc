// What one engine's segment of shared memory holds, and where. The owner writes all of it but the
// blocks of slots that it has lent, and words that peers write: the sleeping flag (exchanged to
// zero), the readers' bits of slots (each peer its own), and `inside` (likewise).
//
//   control | for each peer: credit, inside, ring of lines, ring of payload | slots' readers |
//   slots' blocks
//
// Pages are made when touched, so the address space can be generous.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "transport/message.hpp"

namespace motet::shm {

inline constexpr std::size_t cache_line = 64;
inline constexpr std::uint32_t max_peers = 512;
inline constexpr std::uint32_t inline_bytes = 40;  // what is left of a header's cache line
inline constexpr std::uint32_t longest_block = 1U << 20;

// Where the payload of a line is.
// in_slot: in one of the sender's. in_lent: in one of the reader's own, which the sender has kept.
enum class Place : std::uint32_t { in_line = 0, in_ring = 1, in_slot = 2, in_lent = 3 };

// The soft slots are cut from so many units: a block takes as few as hold it. Small blocks so take
// turns through all of the memory. That matters where blocks go one way: a line that its reader
// has in a near cache is slow to write again, and by its next turn it has left there.
inline constexpr std::uint32_t units = 64;  // one word of free bits

// What is in the line of a block in a slot. A slot is known by its first unit, and those beyond the
// soft limit by `units` and what follows.
struct SlotReference {
  std::uint32_t slot;
  std::uint32_t lent;  // 1: the reader may keep it and fill it with a block of its own
};

// turn (9 bits) | place (2) | bytes (21). The turn says in which lap of the ring the line was
// written, and is stored last: the line is complete when its turn is the one the reader expects.
// Sender and reader are never a lap apart, so the turn may wrap.
class Control {
 public:
  static constexpr std::uint32_t byte_bits = 21;
  static constexpr std::uint32_t turn_shift = 23;
  static constexpr std::uint32_t turns = 1U << (32 - turn_shift);

  constexpr explicit Control(std::uint32_t word) : word_(word) {}
  constexpr Control(std::uint32_t turn, Place place, std::uint32_t bytes)
      : word_(turn << turn_shift | static_cast<std::uint32_t>(place) << byte_bits | bytes) {}

  constexpr std::uint32_t word() const { return word_; }
  constexpr std::uint32_t turn() const { return word_ >> turn_shift; }
  constexpr Place place() const { return static_cast<Place>((word_ >> byte_bits) & 3); }
  constexpr std::uint32_t bytes() const { return word_ & ((1U << byte_bits) - 1); }

 private:
  std::uint32_t word_;
};
static_assert(longest_block < 1U << Control::byte_bits);

// One header, and up to 40 bytes of payload in the same cache line.
struct alignas(cache_line) Line {
  Key key;
  std::uint32_t fingerprint;
  std::uint32_t consumed;
  std::uint32_t stream;
  std::atomic<std::uint32_t> control;  // a Control; release by the sender, acquire by the reader
  std::array<std::byte, inline_bytes>
      payload;  // or a std::uint32_t: offset in the ring; or a SlotReference
};
static_assert(sizeof(Line) == cache_line);

// The engine as a whole. Bits of `sleeping`: asleep, and then whether room for sending would wake
// it.
inline constexpr std::uint32_t asleep = 1;
inline constexpr std::uint32_t wants_room = 2;

struct EngineWords {
  alignas(2 * cache_line) std::atomic<std::uint32_t> sleeping;
  alignas(2 * cache_line) std::atomic<std::uint32_t> epoch;  // of the memory that peers may reach
};

// For one peer.
struct PeerWords {
  alignas(cache_line)
      std::atomic<std::uint64_t> consumed;  // lines of the peer's ring that the owner has consumed
  // By slot that the peer has lent: changes when the owner, having read it, keeps it, and again if
  // it gives it back as it is.
  std::atomic<std::uint64_t> kept;
  std::atomic<std::uint32_t> reads;  // 1: the owner can read the peer's ordinary memory
  alignas(
      cache_line) std::atomic<std::uint32_t> inside;  // 1 while the peer touches the owner's memory
};

// A bit for each peer that has consumed the line of this slot's block but still reads the block,
// having set it aside. Seldom any, so that the words stay in all caches.
struct alignas(cache_line) SlotReaders {
  std::array<std::atomic<std::uint64_t>, max_peers / 64> words;
};
static_assert(sizeof(SlotReaders) == cache_line);

// The lengths that vary from engine to engine; what a peer says of its own is checked by
// problem_with.
struct Sizes {
  std::uint32_t ring_lines = 0;  // a power of two
  std::uint32_t ring_bytes = 0;
  std::uint32_t slots = 0;           // soft limit: so many of the longest blocks
  std::uint32_t overflow_slots = 0;  // beyond it
  std::uint32_t block_bytes = 0;     // longest block

  bool operator==(const Sizes&) const = default;
};

// "" or what is wrong: "ring_lines is 3, not a power of two".
std::string problem_with(const Sizes& sizes);

// Offsets in the segment, all multiples of a cache line.
class Layout {
 public:
  explicit Layout(const Sizes& sizes);  // valid ones

  const Sizes& sizes() const { return sizes_; }
  std::uint32_t total_slots() const { return units + sizes_.overflow_slots; }
  std::uint32_t unit_bytes() const { return unit_bytes_; }
  // How many hold a block of so many bytes; also one of none takes a unit.
  std::uint32_t units_for(std::uint32_t bytes) const {
    return bytes <= unit_bytes_ ? 1 : (bytes + unit_bytes_ - 1) / unit_bytes_;
  }
  // Whether there is such a slot, and so much of the segment behind its beginning.
  bool contains(std::uint32_t slot, std::size_t bytes) const {
    if (slot >= units) return slot < total_slots() && bytes <= sizes_.block_bytes;
    return slot * std::size_t{unit_bytes_} + bytes <= units * std::size_t{unit_bytes_};
  }

  std::size_t peer(std::uint32_t index) const { return peers_ + index * peer_bytes_; }
  std::size_t peer_bytes() const { return peer_bytes_; }
  std::size_t lines(std::uint32_t index) const { return peer(index) + sizeof(PeerWords); }
  std::size_t payload(std::uint32_t index) const {
    return lines(index) + sizes_.ring_lines * sizeof(Line);
  }
  std::size_t readers(std::size_t slot) const { return readers_ + slot * sizeof(SlotReaders); }
  std::size_t block(std::size_t slot) const {
    return slot < units ? soft_ + slot * std::size_t{unit_bytes_}
                        : overflow_ + (slot - units) * block_stride_;
  }
  std::size_t bytes() const { return block(total_slots()); }

 private:
  Sizes sizes_;
  std::size_t block_stride_;
  std::uint32_t unit_bytes_;
  std::size_t peers_, peer_bytes_, readers_, soft_, overflow_;
};

}  // namespace motet::shm
