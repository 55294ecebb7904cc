// Sockets whose endpoints are gone while the kernel still has bytes for the peer.
#pragma once

#include <vector>

#include "base/deadline.hpp"
#include "net/descriptor.hpp"

namespace motet::tcp {

// Closing at once would be wrong: credits that arrive afterwards make the kernel reset the
// connection and drop what the peer has not been able to take yet. So the sending side is closed,
// what comes is read and dropped, and the socket is closed when the peer has everything.
class Lingering {
 public:
  // Keeps the socket only if that is needed. True if it was kept: then its arrivals have to be
  // watched.
  bool add(Descriptor socket);
  // Reads and drops what has come; closes those whose peers have closed.
  void advance();
  // Waits until the peers' hosts have everything, at most until `deadline`.
  void finish(const Deadline& deadline);

 private:
  std::vector<Descriptor> sockets_;
};

}  // namespace motet::tcp
