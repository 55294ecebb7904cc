// The endpoints of one transport, and the epoll descriptor that watches their sockets.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <span>
#include <vector>

#include "net/descriptor.hpp"
#include "transport/tcp/lingering.hpp"

namespace motet::tcp {

class TcpEndpoint;

// Owns none of the endpoints: each enters when made and leaves when destroyed.
class ConnectionTable {
 public:
  ConnectionTable();   // throws Error{system}
  ~ConnectionTable();  // see Lingering; takes a second at most
  ConnectionTable(const ConnectionTable&) = delete;
  ConnectionTable& operator=(const ConnectionTable&) = delete;

  // `dialler` is watched until it is closed; -1: the peer dials. Throws Error{system}.
  void enter_connecting(TcpEndpoint* endpoint, int dialler);
  // Moves it among the connected and watches its socket for reading. 0, or an errno and nothing is
  // done.
  [[nodiscard]] int connected(TcpEndpoint* endpoint, int socket);
  // While something is queued: also for writing.
  void watch_writable(TcpEndpoint* endpoint, int socket, bool writable);
  // Forgets it; the socket must still be open, or -1.
  void leave(TcpEndpoint* endpoint, int socket);
  // The socket of one that has left in good order: closed when the peer can get all that was sent.
  void linger(Descriptor socket);

  // May change while an endpoint is driven: walk from the back, see any_of_each().
  const std::vector<TcpEndpoint*>& connecting() const { return connecting_; }
  const std::vector<TcpEndpoint*>& connected() const { return connected_; }

  void watch_listener(int descriptor);  // throws Error{system}
  // What is ready now. epoll_event::data is a TcpEndpoint*, or one of the numbers, unlike any
  // pointer.
  static constexpr std::uint64_t listener = 1, lingering = 2;
  std::span<const epoll_event> events();
  void advance_lingering() { lingering_.advance(); }
  int descriptor() const { return epoll_.get(); }

 private:
  int watch(int descriptor, epoll_data_t what);  // 0 or an errno

  Descriptor epoll_;
  std::vector<TcpEndpoint*> connecting_, connected_;
  std::vector<epoll_event> events_;
  Lingering lingering_;
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
