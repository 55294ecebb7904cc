// A topology that was read prints a text that reads back as the same topology.
#include "fuzz.hpp"
#include "topology/topology.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace motet;
  const auto read = [](const std::string& text) { return Topology::from_text(text); };
  const auto topology = parsed(read, text_of(data, size));
  // Printing a million ranks for every other input would leave no time for the parser.
  if (!topology || topology->world_size() > 1000) return 0;
  MOTET_ASSERT(read(topology->to_text()) == *topology, "the text form parses back");
  return 0;
}
