// What goes over networks: a Frame, then its payload. Common to the transports whose blocks are
// received without the receiver's call: their senders hold back by credits.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "transport/message.hpp"

namespace motet::flow {

// Frames and payloads are sent as they lie in memory. A host with the other order would show as an
// unknown kind of frame.
static_assert(std::endian::native == std::endian::little, "Motet's wire format is little endian");

// The values are chosen to be unlike their own byte swaps, lengths and text.
enum class FrameKind : std::uint32_t {
  block = 0xb10c4d01,
  credit = 0xc4ed4d02,
  // Where no connection has been authenticated before (transport/messages):
  hello = 0x4e110d03,
  alive = 0xa11e4d04,    // nothing is said but that
  goodbye = 0x90d84d05,  // nothing more will come
  // Where memory can be read (transport/messages/memory_endpoint.hpp); the key is an epoch:
  readable = 0x4eadab06,  // "I may read yours; mine has this epoch"
  withdraw = 0xd14a3d07,  // "what I published before this epoch is not to be read any more"
  withdrawn = 0xd14a3e08  // "I do not read it any more"
};

// `blocks` more blocks of `stream` have been consumed. blocks 0: nothing is said.
struct Credit {
  std::uint32_t stream = 0;
  std::uint32_t blocks = 0;
};

struct Frame {
  FrameKind kind{};
  std::uint32_t bytes = 0;  // of payload: a block, or Credits
  Key key = 0;
  std::uint32_t fingerprint = 0;
  std::uint32_t consumed = 0;
  std::uint32_t stream = 0;
  Credit credit;  // rides along, so that ping-pong needs no credit frames
  std::uint32_t reserved = 0;
};
static_assert(sizeof(Frame) == 40);

inline Frame frame_of(const Header& header, const Credit& credit) {
  return {.kind = FrameKind::block,
          .bytes = header.bytes,
          .key = header.key,
          .fingerprint = header.fingerprint,
          .consumed = header.consumed,
          .stream = header.stream,
          .credit = credit,
          .reserved = 0};
}

inline Header header_of(const Frame& frame) {
  return {.key = frame.key,
          .fingerprint = frame.fingerprint,
          .consumed = frame.consumed,
          .bytes = frame.bytes,
          .stream = frame.stream};
}

// Credits of one frame, and streams whose credits may wait to ride along with a block.
inline constexpr std::size_t max_credits = 64;

// Blocks of one stream that may be unconsumed at the peer: enough to keep a connection busy while
// credits travel.
inline constexpr std::uint32_t window_blocks = 4;

}  // namespace motet::flow
