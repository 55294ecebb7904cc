#include "base/error.hpp"
#include "transport/ucx/ucx_transport.hpp"

namespace motet {
namespace {

std::string unavailable_because() {
  return "the headers of UCX 1.13 or newer were not found when Motet was built";
}

std::unique_ptr<Transport> open(const TransportOptions& /*options*/) {
  throw Error(ErrorCode::unavailable, unavailable_because());
}

}  // namespace

const TransportInfo ucx_transport{
    .name = "ucx", .unavailable_because = unavailable_because, .open = open, .only_by_name = true};

}  // namespace motet
