// A fabric that was read prints a text that reads back as the same fabric; what its graph says
// holds together.
#include <algorithm>

#include "fuzz.hpp"
#include "topology/fabric.hpp"

namespace motet {
namespace {

void check_routes(const Fabric& fabric) {
  const Rank last = fabric.world_size() - 1;
  try {
    Vertex at = 0;
    for (const int link : fabric.route(0, last)) {
      MOTET_ASSERT(fabric.links()[link].from == at, "a route's links follow one another");
      at = fabric.links()[link].to;
    }
    MOTET_ASSERT(at == last, "a route ends where it should");
  } catch (const Error& error) {
    MOTET_ASSERT(error.code() == ErrorCode::unavailable, "there is no way");
  }
}

}  // namespace
}  // namespace motet

// A fabric; if there is a '=' in the first line, that is a setting and the rest a fabric.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace motet;
  const std::string all = text_of(data, size);
  const std::size_t end = std::min(all.find('\n'), all.size());
  std::vector<std::string> settings;
  if (all.find('=') < end) settings.push_back(all.substr(0, end));
  const auto read = [&](const std::string& text) { return Fabric::from_text(text, settings); };
  const auto fabric = parsed(read, settings.empty() ? all : all.substr(end));
  // Large ones would leave no time for the parser.
  if (!fabric || fabric->world_size() > 1000) return 0;
  MOTET_ASSERT(Fabric::from_text(fabric->to_text()) == *fabric, "the text form parses back");
  check_routes(*fabric);
  return 0;
}
