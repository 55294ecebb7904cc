#include "transport/shm/neighbour.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "net/own.hpp"

namespace motet::shm {
namespace {

std::shared_ptr<Segment> segment_of(const Channel& channel, Received& offer) {
  if (channel.process() == getpid()) {
    if (auto shared = Segment::of_this_process(channel.peer())) return shared;
  }
  return Segment::attach(std::move(offer.descriptors[0]), offer.message.sizes);
}

// Closes on exec by itself.
Descriptor watch(int process) {
  if (process == 0 || process == getpid()) return {};
  // Old kernels have none: the connection's end has to do.
  return own(static_cast<int>(syscall(SYS_pidfd_open, process, 0)));
}

}  // namespace

Neighbour::Neighbour(Channel connection, Received offer, bool has_membarrier)
    : channel(std::move(connection)),
      segment(segment_of(channel, offer)),
      bell(std::move(offer.descriptors[1])),
      process(watch(channel.process())),
      same_process(channel.process() == getpid()),
      my_index(offer.message.index),
      fence(has_membarrier && offer.message.has_membarrier != 0 ? Fence::compiler : Fence::full),
      sleeper(segment->engine().sleeping, bell, fence) {}

bool Neighbour::dead() const noexcept {
  if (!process) return false;
  pollfd watched{.fd = process.get(), .events = POLLIN, .revents = 0};
  return poll(&watched, 1, 0) == 1;
}

}  // namespace motet::shm
