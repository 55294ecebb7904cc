#include <array>

#include "transport/tcp/tcp_transport.hpp"
#include "transport/transport.hpp"
#ifdef MOTET_WITH_SHM
#include "transport/shm/shm_transport.hpp"
#define MOTET_LIST_SHM shm_transport,
#else
#define MOTET_LIST_SHM
#endif

namespace motet {

std::span<const TransportInfo> transports() {
  static const std::array list{MOTET_LIST_SHM tcp_transport};
  return list;
}

}  // namespace motet
