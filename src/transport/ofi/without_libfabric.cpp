#include "transport/ofi/ofi_transport.hpp"

namespace motet {
namespace {

std::string unavailable_because() {
  return "libfabric 1.17 or later was not found when Motet was built (Debian: libfabric-dev)";
}

std::unique_ptr<Transport> open(const TransportOptions& options) {
  throw Error(ErrorCode::unavailable, options.name + ": ofi: " + unavailable_because());
}

}  // namespace

const TransportInfo ofi_transport{
    .name = "ofi", .unavailable_because = unavailable_because, .open = open, .only_by_name = true};

}  // namespace motet
