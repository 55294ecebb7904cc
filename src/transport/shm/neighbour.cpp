#include "transport/shm/neighbour.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "net/own.hpp"

namespace motet::shm {
namespace {

std::shared_ptr<Segment> segment_of(const PeerSocket& socket, Received& offer) {
  if (socket.process() == getpid()) {
    if (auto shared = Segment::of_this_process(socket.peer())) return shared;
  }
  return Segment::attach(std::move(offer.descriptors[0]), offer.message.sizes);
}

// Closes on exec by itself.
Descriptor watch(int process) {
  if (process == 0 || process == getpid()) return {};
  // Old kernels have none: the connection's end has to do.
  return own(static_cast<int>(syscall(SYS_pidfd_open, process, 0)));
}

// Who does not let others read does not read either: for a sandbox that kills for the attempt.
PeerProcess memory_of(const PeerSocket& socket, const Specimen& theirs, const Specimen& mine) {
  if (mine.address == 0) return {};
  return {socket.process(), theirs};
}

}  // namespace

Neighbour::Neighbour(PeerSocket connection, Received theirs, const Offer& mine)
    : socket(std::move(connection)),
      segment(segment_of(socket, theirs)),
      bell(std::move(theirs.descriptors[1])),
      process(watch(socket.process())),
      same_process(socket.process() == getpid()),
      my_index(theirs.message.index),
      memory(memory_of(socket, theirs.message.specimen, mine.specimen)),
      fence(mine.has_membarrier && theirs.message.has_membarrier != 0 ? Fence::compiler
                                                                      : Fence::full),
      sleeper(segment->engine().sleeping, bell, fence) {}

bool Neighbour::dead() const noexcept {
  if (!process) return false;
  pollfd watched{.fd = process.get(), .events = POLLIN, .revents = 0};
  return poll(&watched, 1, 0) == 1;
}

}  // namespace motet::shm
