// One block of a message, as every transport carries it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace motet {

// Equal keys: the same block. Whoever makes keys never uses one twice among messages under way.
// Transports carry and compare keys; what is in them is the executor's business (execute/key.hpp).
using Key = std::uint64_t;

struct Header {
  Key key = 0;
  std::uint32_t fingerprint = 0;  // of the call: both ends must have meant the same
  std::uint32_t consumed = 0;     // the sender's own progress, riding along (execute/key.hpp)
  std::uint32_t bytes = 0;        // of payload, at most Transport::max_block_bytes()
  std::uint32_t stream = 0;  // blocks with equal streams belong to one (operation, peer, channel)
};

// A block that has arrived. `data` may be read until the block is popped.
struct Arrival {
  Header header;
  const std::byte* data = nullptr;
};

}  // namespace motet
