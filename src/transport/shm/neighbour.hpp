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

  // I read its slot also after I have consumed the line that speaks of it.
  void hold(std::uint32_t slot) noexcept {
    segment->readers(slot).words[my_index / 64].fetch_or(my_bit(), std::memory_order_relaxed);
  }
  void release(std::uint32_t slot) noexcept {
    segment->readers(slot).words[my_index / 64].fetch_and(~my_bit(), std::memory_order_release);
    sleeper.wake_if(wants_room);
  }

 private:
  std::uint64_t my_bit() const { return std::uint64_t{1} << (my_index % 64); }
};

}  // namespace motet::shm
