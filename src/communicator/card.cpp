#include "communicator/card.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.hpp"
#include "execute/waiting.hpp"
#include "net/address.hpp"
#include "topology/discovery/seat.hpp"

namespace motet {

using nlohmann::json;

namespace {

Card card_from_text(const std::string& text) {
  const auto value = json::parse(text);
  return {
      Identity::from_text(value.at("engine").get<std::string>()),
      value.at("host").get<std::string>(),
      value.at("kernel").get<std::string>(),
      value.at("cpus").get<std::vector<int>>(),
      value.at("quota").get<int>(),
      value.at("package").get<int>(),
      value.at("numa").get<int>(),
      value.at("next_id").get<std::uint32_t>(),
      value.at("world_size").get<int>(),
      value.at("transports").get<decltype(Card::transports)>(),
      {value.at("topology").get<std::string>(), value.at("topology_trouble").get<std::string>()}};
}

}  // namespace

std::string to_text(const Card& card) {
  return json{{"engine", card.engine.to_text()},
              {"host", card.host},
              {"kernel", card.kernel},
              {"cpus", card.cpus},
              {"quota", card.quota},
              {"package", card.package},
              {"numa", card.numa},
              {"next_id", card.next_id},
              {"world_size", card.world_size},
              {"transports", card.transports},
              {"topology", card.topology_file.text},
              {"topology_trouble", card.topology_file.trouble}}
      .dump();
}

Card read_card(Rank me, std::size_t of, const std::string& text) {
  try {
    return card_from_text(text);
  } catch (const std::exception& error) {
    throw Error(ErrorCode::unavailable,
                fmt::format("rank {}: joining: what rank {} says of itself makes no sense: {}", me,
                            of, error.what()));
  }
}

TopologyFile read_topology_file(const std::string& path) {
  constexpr std::streamsize most_bytes = 8 << 20;  // a line for each of 100,000 ranks
  if (path.empty()) return {};
  std::ifstream file(path, std::ios::binary);
  std::string text(static_cast<std::size_t>(most_bytes) + 1, '\0');
  file.read(text.data(), most_bytes + 1);
  if (file.bad() || file.gcount() == 0) {
    return {"", fmt::format("MOTET_TOPOLOGY: {} cannot be read or is empty", path)};
  }
  if (file.gcount() > most_bytes) {
    return {"", fmt::format("MOTET_TOPOLOGY: {} is longer than {} bytes", path, most_bytes)};
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  return {std::move(text), ""};
}

Card my_card(const Engine& engine, const Told& told) {
  const std::string machine = machine_identity();  // begins with the kernel's boot id
  Card card;
  card.engine = engine.identity();
  card.host = host_name();
  card.kernel = machine.substr(0, machine.find(' '));
  card.cpus = allowed_cpus();
  card.quota = quota_cores();
  const Seat seat = seat_here(CpuSet::of(card.cpus));
  card.package = seat.package;
  card.numa = seat.numa;
  card.next_id = engine.next_communicator_id();
  card.world_size = told.world_size;
  for (const auto& [name, transport] : engine.transports()) {
    card.transports.emplace_back(name, transport->address());
  }
  if (told.rank == 0) card.topology_file = read_topology_file(told.topology_path);
  return card;
}

Sharing sharing_of(Rank me, const Topology& topology, const std::vector<Card>& cards) {
  std::set<int> cpus, nodes;
  Sharing sharing;
  int quota = std::numeric_limits<int>::max();
  const std::string& kernel = cards[static_cast<std::size_t>(me)].kernel;
  for (Rank rank = 0; rank < topology.world_size(); ++rank) {
    const Card& card = cards[static_cast<std::size_t>(rank)];
    if (card.kernel != kernel) continue;
    ++sharing.ranks;
    nodes.insert(topology.node_of(rank));
    cpus.insert(card.cpus.begin(), card.cpus.end());
    quota = std::min(quota, card.quota);
  }
  sharing.nodes = static_cast<int>(nodes.size());
  sharing.cores = std::min(quota, static_cast<int>(cpus.size()));
  return sharing;
}

int least_cores_of_a_node(const Topology& topology, const std::vector<Card>& cards) {
  int least = std::numeric_limits<int>::max();
  for (Rank rank = 0; rank < topology.world_size(); ++rank) {
    if (topology.local_rank(rank) != 0) continue;
    const Sharing sharing = sharing_of(rank, topology, cards);
    least = std::min(least, std::max(1, sharing.cores / sharing.nodes));
  }
  return least;
}

}  // namespace motet
