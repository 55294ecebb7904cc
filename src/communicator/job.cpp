#include "communicator/job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <numeric>
#include <sstream>
#include <utility>

#include "algorithms/list.hpp"
#include "base/log.hpp"
#include "communicator/card.hpp"
#include "communicator/connecting.hpp"
#include "communicator/opening.hpp"
#include "topology/discovery/machine_hash.hpp"
#include "topology/flow/symmetry.hpp"
#include "topology/tiers.hpp"

namespace motet {
namespace {

// Ranks share a node if all of them share memory, pair by pair: an equivalence, found alike on
// every rank. In the order of ranks, each joins the first node all of whose members it reaches.
std::vector<int> find_nodes(const std::vector<std::string>& shares_memory) {
  std::vector<std::vector<std::size_t>> nodes;
  std::vector<int> node_of(shares_memory.size());
  for (std::size_t rank = 0; rank < shares_memory.size(); ++rank) {
    const auto fits = std::ranges::find_if(nodes, [&](const auto& members) {
      return std::ranges::all_of(members, [&](std::size_t member) {
        return shares_memory[rank][member] == '1' && shares_memory[member][rank] == '1';
      });
    });
    node_of[rank] = static_cast<int>(fits - nodes.begin());
    if (fits == nodes.end()) nodes.emplace_back();
    nodes[static_cast<std::size_t>(node_of[rank])].push_back(rank);
  }
  return node_of;
}

// The user's own for this machine, else the machine's.
std::string usual_tuning(const Options& options) {
  const std::string name = fmt::format("/{}.tuning", machine_hash());
  for (const std::string& folder : {options.configuration, std::string("/etc/motet")}) {
    std::error_code ignored;
    if (!folder.empty() && std::filesystem::exists(folder + name, ignored)) return folder + name;
  }
  return {};
}

void read_files(const Options& options, Card& card) {
  if (options.tuning != "typical") {
    card.tuning = read_shared_file(options.tuning.empty() ? usual_tuning(options) : options.tuning);
  }
  card.topology = read_shared_file(options.topology);
  card.fabric = read_shared_file(options.fabric);
}

void check_machine(const Tuning& tuning, const std::string& path) {
  if (tuning.machine.empty() || tuning.machine == machine_hash()) return;
  log(LogLevel::warning,
      fmt::format("rank=0 event=tuning file=\"{}\" of=machine-{} here=machine-{} hint=\"run "
                  "motet-tune --save here\"",
                  path, tuning.machine, machine_hash()));
}

// Of a larger fabric, so many of its nodes: of its first pod, if it has pods.
Fabric first_nodes(const Fabric& fabric, const std::string& text, int nodes) {
  std::vector<std::string> settings;
  if (!fabric.description().shape) return fabric;  // it names each rank
  for (const TopologyShape::Level& level : fabric.description().shape->levels) {
    if (level.tier == "node") {
      if (level.count < nodes) return fabric;
      settings.push_back(fmt::format("nodes={}", nodes));
      return Fabric::from_text(text, settings);
    }
    settings.push_back(level.tier + "s=1");
  }
  return fabric;
}

void check_routes(const Fabric& fabric) {
  for (const Rank from : representatives(fabric)) {
    for (Rank to = 0; to < fabric.world_size(); ++to) fabric.route(from, to);
  }
}

// Throws Error{invalid_argument} or, where ranks have no way to one another, {unavailable}.
Fabric fabric_for(const Topology& found, const std::string& text) {
  Fabric fabric = Fabric::from_text(text);
  const int n = found.world_size();
  if (fabric.world_size() > n) fabric = first_nodes(fabric, text, found.node_count());
  const auto on_nodes = [](int count) {
    return count == 1 ? std::string("1 node") : fmt::format("{} nodes", count);
  };
  if (fabric.world_size() != n) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("it joins {} ranks on {}, the job has {} on {}", fabric.world_size(),
                    on_nodes(fabric.topology().node_count()), n, on_nodes(found.node_count())));
  }
  for (Rank rank = 0; rank < n; ++rank) {
    if (found.node_of(rank) == fabric.topology().node_of(rank)) continue;
    throw Error(ErrorCode::invalid_argument,
                fmt::format("it has rank {} on node {}, the job on node {}: ranks of one node are "
                            "to be numbered as there",
                            rank, fabric.topology().node_of(rank), found.node_of(rank)));
  }
  check_routes(fabric);
  return fabric;
}

// Alike on every rank: from what all have exchanged.
Topology topology_of(Rank me, const std::vector<int>& node_of, const std::vector<Card>& cards) {
  std::vector<Seat> seats;
  std::vector<std::string> hosts;
  for (const Card& card : cards) {
    hosts.push_back(card.host);
    seats.emplace_back();
    seats.back().package = card.package;
    seats.back().numa = card.numa;
  }
  const SharedFile& file = cards.front().topology;
  if (file.path.empty()) return assemble(node_of, seats, {});
  return read_from(file, "topology file", me, [&](const std::string& text) {
    return assemble(node_of, seats, read_user_tiers(text, hosts));
  });
}

// Who sits where, and what joins them.
struct Layout {
  Topology topology;
  std::optional<Fabric> fabric{};
};
Layout layout_of(Rank me, const std::vector<int>& node_of, const std::vector<Card>& cards) {
  Layout layout{topology_of(me, node_of, cards)};
  const SharedFile& file = cards.front().fabric;
  if (file.path.empty() || node_of.size() == 1) return layout;
  layout.fabric = read_from(file, "fabric file", me, [&](const std::string& text) {
    return fabric_for(layout.topology, text);
  });
  // The fabric has tiers, too.
  if (cards.front().topology.path.empty()) layout.topology = layout.fabric->topology();
  return layout;
}

// What `find` makes of what all have exchanged as `what`; where it throws, on every rank, rank 0
// stays until all have heard as much as it has.
template <class Find>
auto agree(Meeting& meeting, const std::string& what, Find&& find) {
  try {
    return find();
  } catch (const Error&) {
    std::vector<Rank> ranks(static_cast<std::size_t>(meeting.world_size));
    std::iota(ranks.begin(), ranks.end(), 0);
    if (ranks.size() > 1) part_ways(meeting, what, ranks);
    throw;
  }
}

std::vector<int> exchange_nodes(Meeting& meeting, const std::vector<PeerLink*>& links,
                                const Deadline& deadline) {
  std::string mine(links.size(), '0');
  for (std::size_t rank = 0; rank < links.size(); ++rank) {
    if (links[rank] == nullptr || links[rank]->transport().shares_memory()) mine[rank] = '1';
  }
  return find_nodes(exchange_row(meeting, "nodes", mine, deadline));
}

// Rank 0 waits for as many ranks as it was told; others may have been told of fewer or more.
void expect_same_world_size(Meeting& meeting, const std::vector<Card>& cards) {
  const auto refuse = [&](std::size_t rank, int told) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("rank {}: joining: rank {} was told a world size of {}, rank 0 one of {}",
                    meeting.rank, rank, told, cards.front().world_size));
  };
  const auto differs = std::ranges::find_if(
      cards, [&](const Card& card) { return card.world_size != cards.front().world_size; });
  if (differs != cards.end()) {
    std::vector<Rank> ranks(cards.size());
    std::iota(ranks.begin(), ranks.end(), 0);
    part_ways(meeting, "card", ranks);
    refuse(static_cast<std::size_t>(differs - cards.begin()), differs->world_size);
  }
  // This rank's card is not among those that the others agree on.
  if (cards.size() != static_cast<std::size_t>(meeting.world_size)) {
    refuse(static_cast<std::size_t>(meeting.rank), meeting.world_size);
  }
}

std::unique_ptr<Health> join_health(Meeting& meeting, const Engine& engine, const Options& options,
                                    const Deadline& deadline) {
  const Health::Member member{meeting.rank, meeting.world_size, engine.identity(),
                              listen_on(options), rails_of(options)};
  try {
    return Health::join(member, meeting.credentials, *meeting.store, deadline);
  } catch (const Error&) {
    // If rank 0 is the trouble, the store must last until the others have read so.
    part_ways(meeting, "health", everybody(meeting));
    throw;
  }
}

// The id of the communicator that this rank now makes, as all others of the meeting do.
std::uint32_t take_turn(Meeting& meeting, Turn& turn, const Deadline& deadline) {
  int round = 0;
  const auto tell_all = [&](const Turn::Word& mine) {
    const std::string text = fmt::format("{} {} {}", mine.has_turn, mine.gives_up, mine.next_id);
    std::vector<Turn::Word> words;
    for (const std::string& row :
         exchange(meeting, fmt::format("turn{}", round++), text, deadline)) {
      std::istringstream in(row);
      Turn::Word& word = words.emplace_back();
      in >> word.has_turn >> word.gives_up >> word.next_id;
    }
    return words;
  };
  const std::uint64_t salt = std::hash<std::string>()(meeting.credentials.job.to_text());
  try {
    return turn.take(tell_all, salt, deadline);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("rank {}: joining: {}", meeting.rank, error.what()));
  }
}

}  // namespace

Machine machine_of(const Job& job) {
  const auto is_network = [](const PeerLink* link) {
    return link != nullptr && !link->transport().shares_memory();
  };
  const bool one_node = job.topology.node_count() == 1;
  const bool network = std::ranges::any_of(job.links, is_network);
  return {
      .cores_per_node = job.cores,
      .nodes_sharing = job.nodes_sharing,
      .within_nodes = one_node && network ? TransportClass::network : TransportClass::shared_memory,
      .between_nodes = TransportClass::network,
      .holds_all_nodes = job.nodes_sharing >= job.topology.node_count(),
      .nic = job.nic};
}

void check_names(const Options& options) {
  wanted_transports(options.transport, {});
  if (options.algorithm.empty()) return;
  for (int i = 0; i < collective_count; ++i) {
    if (find_algorithm(static_cast<Collective>(i), options.algorithm) != nullptr) return;
  }
  throw Error(ErrorCode::invalid_argument,
              fmt::format("MOTET_ALGORITHM: there is no algorithm \"{}\"", options.algorithm));
}

std::shared_ptr<Job> join(Meeting meeting, const Options& options, const Deadline& deadline,
                          Opened opened) {
  auto job = std::make_shared<Job>();
  job->rank = meeting.rank;
  job->server = meeting.server;
  Card mine = open_for_card(options, meeting, opened);
  const Admission admission(opened.engine.get(), meeting);
  if (meeting.rank == 0) read_files(options, mine);
  const std::vector<Card> cards = exchange_cards(meeting, mine, deadline);
  job->engine = opened.engine;
  job->wanted = opened.wanted;
  job->missing = opened.missing;
  Engine& engine = *job->engine;
  expect_same_world_size(meeting, cards);
  job->tuning = agree(meeting, "card", [&] {
    return read_from(cards.front().tuning, "tuning file", meeting.rank, Tuning::from_text);
  });
  if (meeting.rank == 0) check_machine(job->tuning, cards.front().tuning.path);
  for (const Card& card : cards) job->hosts.push_back(card.host);
  job->turn = std::make_unique<Turn>(engine);
  job->communicator_id = take_turn(meeting, *job->turn, deadline);
  job->links = connect_all(meeting, engine, cards, deadline);
  const std::vector<int> node_of = exchange_nodes(meeting, job->links, deadline);
  Layout layout = agree(meeting, "nodes", [&] { return layout_of(job->rank, node_of, cards); });
  job->topology = std::move(layout.topology);
  job->fabric = std::move(layout.fabric);
  const CoreSharing sharing = sharing_of(meeting.rank, job->topology, cards);
  engine.share_cores(sharing.ranks, sharing.cores);
  const CoreSharing tightest = tightest_sharing(job->topology, cards);
  job->cores = tightest.cores;
  job->nodes_sharing = tightest.nodes;
  if (meeting.world_size > 1) job->health = join_health(meeting, engine, options, deadline);
  return job;
}

}  // namespace motet
