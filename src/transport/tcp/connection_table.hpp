// The endpoints of one transport, and the epoll descriptor that watches their sockets.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <span>
#include <vector>

#include "net/descriptor.hpp"

namespace motet::tcp {

class TcpEndpoint;

// Owns none of the endpoints: each enters when made and leaves when destroyed.
class ConnectionTable {
 public:
  ConnectionTable();  // throws Error{system}

  void enter_connecting(TcpEndpoint* endpoint);
  // Moves it among the connected and watches its socket for reading.
  void connected(TcpEndpoint* endpoint, int socket);
  // While something is queued: also for writing.
  void watch_writable(TcpEndpoint* endpoint, int socket, bool writable);
  // Forgets it; the socket must still be open, or -1.
  void leave(TcpEndpoint* endpoint, int socket);

  // May change while an endpoint is driven: walk from the back, see any_of_each().
  const std::vector<TcpEndpoint*>& connecting() const { return connecting_; }
  const std::vector<TcpEndpoint*>& connected() const { return connected_; }

  // Descriptors that are no endpoint's. `event` comes back in epoll_event::data.u64; below 16,
  // unlike any pointer.
  void watch(int descriptor, std::uint64_t event);
  std::span<const epoll_event> events();  // what is ready now
  int descriptor() const { return epoll_.get(); }

 private:
  Descriptor epoll_;
  std::vector<TcpEndpoint*> connecting_, connected_;
  std::vector<epoll_event> events_;
};

// Calls `visit` for each; endpoints visited may leave meanwhile.
template <class Visit>
bool any_of_each(const std::vector<TcpEndpoint*>& endpoints, Visit visit) {
  bool any = false;
  // Who leaves is replaced by the last, which has been visited.
  for (std::size_t i = endpoints.size(); i-- > 0;) any |= visit(*endpoints[i]);
  return any;
}

}  // namespace motet::tcp
