#include "communicator/card.hpp"

#include <fmt/format.h>

#include <algorithm>
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

SharedFile file_from(const json& value) {
  return {value.at("path").get<std::string>(), value.at("text").get<std::string>(),
          value.at("problem").get<std::string>()};
}

json json_of(const SharedFile& file) {
  return {{"path", file.path}, {"text", file.text}, {"problem", file.problem}};
}

json json_of(const std::vector<Offer>& offers) {
  json list = json::array();
  for (const auto& [transport, address, shares_memory] : offers) {
    list.push_back({transport, address, shares_memory});
  }
  return list;
}

std::vector<Offer> offers_from(const json& list) {
  std::vector<Offer> offers;
  for (const json& offer : list) {
    offers.push_back(
        {offer.at(0).get<std::string>(), offer.at(1).get<std::string>(), offer.at(2).get<bool>()});
  }
  return offers;
}

json json_of(const std::vector<Missing>& missing) {
  json list = json::array();
  for (const auto& [transport, why] : missing) list.push_back({transport, why});
  return list;
}

std::vector<Missing> missing_from(const json& list) {
  std::vector<Missing> missing;
  for (const json& one : list) {
    missing.push_back({one.at(0).get<std::string>(), one.at(1).get<std::string>()});
  }
  return missing;
}

Card card_from_text(const std::string& text) {
  const auto value = json::parse(text);
  return {Identity::from_text(value.at("engine").get<std::string>()),
          value.at("host").get<std::string>(),
          value.at("kernel").get<std::string>(),
          value.at("cpus").get<std::vector<int>>(),
          value.at("quota").get<int>(),
          value.at("package").get<int>(),
          value.at("numa").get<int>(),
          value.at("world_size").get<int>(),
          offers_from(value.at("transports")),
          value.at("wanted").get<std::vector<std::string>>(),
          missing_from(value.at("missing")),
          file_from(value.at("tuning")),
          file_from(value.at("topology")),
          file_from(value.at("fabric")),
          value.at("problem").get<std::string>(),
          static_cast<ErrorCode>(value.at("problem_code").get<int>())};
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
              {"world_size", card.world_size},
              {"transports", json_of(card.transports)},
              {"wanted", card.wanted},
              {"missing", json_of(card.missing)},
              {"tuning", json_of(card.tuning)},
              {"topology", json_of(card.topology)},
              {"fabric", json_of(card.fabric)},
              {"problem", card.problem},
              {"problem_code", static_cast<int>(card.problem_code)}}
      .dump(-1, ' ', false, json::error_handler_t::replace);  // a file may hold other text
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

namespace {

Card my_card(const Opened& opened, int world_size) {
  Engine& engine = *opened.engine;
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
  card.world_size = world_size;
  const Engine::Hold hold(engine);
  for (const auto& [name, transport] : engine.transports()) {
    card.transports.push_back({name, transport->address(), transport->shares_memory()});
  }
  card.wanted = opened.wanted;
  card.missing = opened.missing;
  return card;
}

}  // namespace

Card open_for_card(const Options& options, const Meeting& meeting, Opened& opened) {
  try {
    if (opened.engine == nullptr) opened = engine_of_this_thread(options, meeting.rank);
    return my_card(opened, meeting.world_size);
  } catch (const Error& error) {
    Card card;
    card.world_size = meeting.world_size;
    card.problem = error.what();
    card.problem_code = error.code();
    return card;
  }
}

std::vector<Card> exchange_cards(Meeting& meeting, const Card& mine, const Deadline& deadline) {
  std::vector<Card> cards;
  for (const auto& text : exchange(meeting, "card", to_text(mine), deadline)) {
    cards.push_back(read_card(meeting.rank, cards.size(), text));
  }
  const auto failed =
      std::ranges::find_if(cards, [](const Card& card) { return !card.problem.empty(); });
  if (failed != cards.end()) {
    part_ways(meeting, "card", everybody(meeting));
    throw Error(failed->problem_code, failed->problem);
  }
  return cards;
}

CoreSharing sharing_of(Rank me, const Topology& topology, const std::vector<Card>& cards) {
  std::set<int> cpus, nodes;
  CoreSharing sharing;
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

CoreSharing tightest_sharing(const Topology& topology, const std::vector<Card>& cards) {
  const auto ranks_per_core = [](const CoreSharing& sharing) {
    return static_cast<double>(sharing.ranks) / sharing.cores;
  };
  CoreSharing tightest = sharing_of(0, topology, cards);
  std::set<std::string> seen{cards.front().kernel};
  for (Rank rank = 1; rank < topology.world_size(); ++rank) {
    if (!seen.insert(cards[static_cast<std::size_t>(rank)].kernel).second) continue;
    const CoreSharing sharing = sharing_of(rank, topology, cards);
    if (ranks_per_core(sharing) > ranks_per_core(tightest)) tightest = sharing;
  }
  return tightest;
}

}  // namespace motet
