// How a block's 64-bit key is made: which operation, which message, which block. Both ends know at
// lowering that a block is the k-th of its (peer, channel), so matching is one comparison and needs
// no queues.
//
//   63..61 role · 60 point-to-point · 59..46 communicator · 45..24 sequence · 23..20 channel
//   · 19..0 block
//
// Sequence and block wrap; that is safe because no rank is more than 64 operations of a
// communicator (or pair) ahead of those it sends to.
#pragma once

#include <cstdint>

#include "schedule/schedule.hpp"
#include "transport/message.hpp"

namespace motet {

// What a block says. data and location go with the message and differ in the lowest bit alone;
// answer goes against it.
enum class Role : std::uint8_t {
  data = 0,      // the payload is the block
  location = 1,  // the payload says where the receiver can pull the block from (Publication)
  answer = 2,    // the receiver has pulled the block, or asks for it as data (Answer)
  consumed = 7   // nothing but Header::consumed
};

inline constexpr int sequence_bits = 22;
inline constexpr std::uint32_t sequence_mask = (1U << sequence_bits) - 1;
inline constexpr std::uint32_t block_mask = (1U << 20) - 1;
inline constexpr std::uint32_t max_communicator_id = (1U << 14) - 1;
// Most operations of one communicator (point to point: of one pair and direction) under way.
inline constexpr std::uint32_t max_active = 16;
// So many operations may have been sent to a peer that it has not consumed. The more, the more of
// them a rank finds at once when it gets its turn on a shared core: small broadcasts of 8 ranks
// over TCP take 1.4 times as long with 16.
inline constexpr std::uint32_t max_ahead = 64;

// Ignores the difference between data and location.
inline constexpr Key forward_mask = ~(Key{1} << 61);
inline constexpr Key exact_mask = ~Key{0};

// Which operation: the part of a key that its blocks share.
constexpr Key operation_key(std::uint32_t communicator, std::uint64_t sequence,
                            bool point_to_point) {
  return (Key{point_to_point} << 60) | (Key{communicator} << 46) |
         ((Key{sequence} & sequence_mask) << 24);
}
constexpr Key block_key(Key operation, Channel channel, std::uint32_t block) {
  return operation | (Key{channel} << 20) | (block & block_mask);
}
constexpr Key with_role(Key key, Role role) {
  return key | (Key{static_cast<std::uint8_t>(role)} << 61);
}

// The bits that say which operation, and which communicator, a block belongs to.
inline constexpr Key operation_mask = (Key{1} << 61) - (Key{1} << 24);
inline constexpr Key communicator_mask = Key{max_communicator_id} << 46;

constexpr Role role_of(Key key) {
  return static_cast<Role>(key >> 61);
}
constexpr bool is_point_to_point(Key key) {
  return ((key >> 60) & 1) != 0;
}
constexpr std::uint32_t communicator_of(Key key) {
  return (key >> 46) & max_communicator_id;
}
constexpr std::uint32_t sequence_of(Key key) {
  return (key >> 24) & sequence_mask;
}

// Header::stream: one (operation, channel) in one direction. 12 bits of communicator, 14 of
// sequence: no two operations under way on one pair share them in practice, and sharing would only
// share a window.
constexpr std::uint32_t collective_stream(std::uint32_t communicator, std::uint64_t sequence) {
  return (communicator & 0xfffU) << 20 | (static_cast<std::uint32_t>(sequence) & 0x3fffU) << 6;
}
constexpr std::uint32_t stream_of(Key key) {
  const auto role_bits = static_cast<std::uint32_t>((key >> 62) & 1) << 1 |
                         static_cast<std::uint32_t>(is_point_to_point(key));
  return collective_stream(communicator_of(key), sequence_of(key)) |
         static_cast<std::uint32_t>((key >> 20) & 0xf) << 2 | role_bits;
}

// How far `sequence`, as found in a key, lies ahead of `reference` (negative: behind).
constexpr std::int32_t sequence_ahead(std::uint32_t sequence, std::uint64_t reference) {
  const auto difference = (sequence - static_cast<std::uint32_t>(reference)) & sequence_mask;
  constexpr std::uint32_t half = 1U << (sequence_bits - 1);
  return difference < half ? static_cast<std::int32_t>(difference)
                           : static_cast<std::int32_t>(difference) - (1 << sequence_bits);
}

}  // namespace motet
