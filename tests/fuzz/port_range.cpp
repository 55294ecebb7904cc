// A port range is refused, or lies within the ports there are and reads as it is written.
#include "base/ports.hpp"
#include "fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace motet;
  const auto ports = PortRange::from_text(text_of(data, size));
  if (!ports) return 0;
  MOTET_ASSERT(ports->first >= 1 && ports->last <= 65'535 && ports->count() >= 1, "real ports");
  MOTET_ASSERT(PortRange::from_text(ports->to_text()) == ports, "a text that parses back");
  return 0;
}
