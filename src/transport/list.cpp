#include <array>

#include "transport/ofi/ofi_transport.hpp"
#include "transport/rails/rails_transport.hpp"
#include "transport/shm/shm_transport.hpp"
#include "transport/tcp/tcp_transport.hpp"
#include "transport/transport.hpp"
#include "transport/ucx/ucx_transport.hpp"

namespace motet {

std::span<const TransportInfo> transports() {
  static const std::array list{shm_transport, ucx_transport, ofi_transport, rails_transport,
                               tcp_transport};
  return list;
}

}  // namespace motet
