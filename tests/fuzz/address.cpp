// An address is refused, or has a family and fits where addresses are kept.
#include "fuzz.hpp"
#include "net/socket.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace motet;
  const auto address = parsed(parse_address, text_of(data, size));
  if (!address) return 0;
  const int family = address->family();
  MOTET_ASSERT(family == AF_INET || family == AF_INET6 || family == AF_UNIX, "a family we open");
  MOTET_ASSERT(address->length <= sizeof address->storage, "an address that fits");
  return 0;
}
