// Another engine on this machine as attached by this one. Owned by the endpoint, and by what was
// set aside of the blocks in its slots: these stay readable after the endpoint and the peer are
// gone, and the connection stays open as long, so that a living peer does not reuse those slots.
#pragma once

#include <memory>

#include "transport/shm/bell.hpp"
#include "transport/shm/peer_socket.hpp"
#include "transport/shm/segment.hpp"

namespace motet::shm {

// What an engine offers to a peer.
struct Offer {
  Segment* segment = nullptr;
  int bell = -1;
  std::uint32_t index = 0;  // of what is for the peer
  bool has_membarrier = false;
  Specimen specimen;
};

struct Neighbour {
  // From the peer's offer. Throws Error when it does not hold.
  Neighbour(PeerSocket connection, Received theirs, const Offer& mine);

  // Its process has ended. Makes a system call.
  bool dead() const noexcept;

  PeerSocket socket;
  std::shared_ptr<Segment> segment;
  Bell bell;
  Descriptor process;  // pidfd: readable when the process has ended; none for this process itself
  bool same_process;
  std::uint32_t my_index;  // of what is for me in its segment
  PeerProcess memory;
  Fence fence;
  Sleeper sleeper;

  // I have read its slot.
  void release(std::uint32_t slot) noexcept {
    const std::uint64_t mine = std::uint64_t{1} << (my_index % 64);
    segment->readers(slot).words[my_index / 64].fetch_and(~mine, std::memory_order_release);
    sleeper.wake_if(wants_room);
  }
};

}  // namespace motet::shm
