// Tiers that a user names place every rank, and the topology they make prints and parses back.
#include "fuzz.hpp"
#include "topology/tiers.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace motet;
  const std::vector<std::string> hosts{"gpu0", "gpu0", "gpu11", "spare"};
  const std::vector<int> node_of{0, 0, 1, 2};
  const auto assembled = [&](const std::string& text) {
    return assemble(node_of, std::vector<Seat>(hosts.size()), read_user_tiers(text, hosts));
  };
  const auto topology = parsed(assembled, text_of(data, size));
  if (!topology) return 0;
  MOTET_ASSERT(topology->world_size() == 4, "every rank has a place");
  MOTET_ASSERT(Topology::from_text(topology->to_text()) == *topology, "the text form parses back");
  return 0;
}
