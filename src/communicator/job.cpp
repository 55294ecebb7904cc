#include "communicator/job.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "algorithms/list.hpp"
#include "base/assert.hpp"
#include "base/log.hpp"
#include "execute/waiting.hpp"
#include "transport/fault/fault_transport.hpp"

namespace motet {
namespace {

using nlohmann::json;

// What each rank tells the others of itself.
struct Card {
  Identity engine;
  std::string host;
  std::string kernel;     // equal where ranks share cores, also if they cannot share memory
  std::vector<int> cpus;  // that it may run on: launchers bind each rank to its own
  int quota = 1;
  std::uint32_t next_id = 1;
  int world_size = 1;                                           // as it was told
  std::vector<std::pair<std::string, std::string>> transports;  // name, address; best first

  // Null: it does not have it.
  const std::string* address(std::string_view transport) const {
    const auto found =
        std::ranges::find(transports, transport, &std::pair<std::string, std::string>::first);
    return found == transports.end() ? nullptr : &found->second;
  }
};

std::string to_text(const Card& card) {
  return json{{"engine", card.engine.to_text()},
              {"host", card.host},
              {"kernel", card.kernel},
              {"cpus", card.cpus},
              {"quota", card.quota},
              {"next_id", card.next_id},
              {"world_size", card.world_size},
              {"transports", card.transports}}
      .dump();
}

Card card_from_text(const std::string& text) {
  const auto value = json::parse(text);
  return {Identity::from_text(value.at("engine").get<std::string>()),
          value.at("host").get<std::string>(),
          value.at("kernel").get<std::string>(),
          value.at("cpus").get<std::vector<int>>(),
          value.at("quota").get<int>(),
          value.at("next_id").get<std::uint32_t>(),
          value.at("world_size").get<int>(),
          value.at("transports").get<decltype(Card::transports)>()};
}

// Of a peer. Throws Error{unavailable} that names it when it makes no sense.
Card read_card(Rank me, std::size_t of, const std::string& text) {
  try {
    return card_from_text(text);
  } catch (const std::exception& error) {
    throw Error(ErrorCode::unavailable,
                fmt::format("rank {}: joining: what rank {} says of itself makes no sense: {}", me,
                            of, error.what()));
  }
}

// The names of all transports that some rank has, alike on every rank: each takes part in agreeing
// on each.
std::vector<std::string> names_of_transports(const std::vector<Card>& cards) {
  std::vector<std::string> names;
  for (const Card& card : cards) {
    for (const auto& [name, address] : card.transports) {
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

// One character of each rank for each rank.
std::vector<std::string> exchange_row(Meeting& meeting, const std::string& what,
                                      const std::string& mine, const Deadline& deadline) {
  auto rows = exchange(meeting, what, mine, deadline);
  const auto malformed =
      std::ranges::find_if(rows, [&](const std::string& row) { return row.size() != mine.size(); });
  if (malformed != rows.end()) {
    throw Error(ErrorCode::unavailable,
                fmt::format("rank {}: joining: what rank {} says of its transports makes no sense",
                            meeting.rank, malformed - rows.begin()));
  }
  return rows;
}

// The transports that the user wants, best first. Throws Error{invalid_argument} for an unknown
// name.
std::vector<const TransportInfo*> wanted_transports(const std::string& option) {
  std::vector<const TransportInfo*> wanted;
  if (option.empty()) {
    for (const TransportInfo& info : transports()) wanted.push_back(&info);
    return wanted;
  }
  for (const std::string& word : split_words(option)) {
    const auto found = std::ranges::find(transports(), word, &TransportInfo::name);
    if (found == transports().end()) {
      std::vector<std::string_view> names;
      for (const TransportInfo& info : transports()) names.push_back(info.name);
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("transport \"{}\" is none of {}", word, fmt::join(names, ", ")));
    }
    wanted.push_back(&*found);
  }
  return wanted;
}

std::shared_ptr<Engine> open_engine(const Options& options, Rank rank) {
  const Identity identity = Identity::random();
  TransportOptions wishes;
  wishes.engine = identity;
  wishes.name = fmt::format("rank {}", rank);
  wishes.slots = options.slots;
  wishes.block_bytes = static_cast<std::size_t>(options.block_kib) * 1024;
  wishes.ring_lines = static_cast<std::size_t>(options.ring_lines);
  std::vector<Engine::NamedTransport> opened;
  for (const TransportInfo* info : wanted_transports(options.transport)) {
    if (const std::string why = info->unavailable_because(); !why.empty()) {
      log(LogLevel::warning,
          fmt::format("rank={} transport={} unavailable=\"{}\"", rank, info->name, why));
      continue;
    }
    auto transport = info->open(wishes);
    if (!options.fault.empty()) {
      transport = inject_faults(std::move(transport), parse_fault_plan(options.fault), wishes.name);
    }
    opened.push_back({std::string(info->name), std::move(transport)});
  }
  if (opened.empty()) {
    throw Error(ErrorCode::unavailable, fmt::format("rank {}: no transport can be used", rank));
  }
  return std::make_shared<Engine>(identity, std::move(opened));
}

// Communicators that one thread makes share an engine, so that waiting for one drives the others.
std::shared_ptr<Engine> engine_of_this_thread(const Options& options, Rank rank) {
  thread_local std::weak_ptr<Engine> mine;
  auto engine = mine.lock();
  if (engine == nullptr) {
    engine = open_engine(options, rank);
    mine = engine;
  }
  return engine;
}

// Connects this rank to its peers, one transport after the other.
class Connecting {
 public:
  Connecting(Meeting& meeting, Engine& engine, const std::vector<Card>& cards,
             const Deadline& deadline)
      : meeting_(meeting),
        engine_(engine),
        cards_(cards),
        deadline_(deadline),
        links_(cards.size()),
        reasons_(cards.size()) {}

  std::vector<Link*> connect_all() {
    reuse_links();
    const std::vector<std::string> names = names_of_transports(cards_);
    for (const std::string& name : names) {
      Transport* const transport = engine_.find_transport(name);
      if (transport != nullptr) {
        const auto most =
            Deadline::after(std::min<Clock::duration>(deadline_.left(), attempt_time));
        attempt(name, *transport, name == names.back() ? deadline_ : most);
      }
      agree(name, transport);
    }
    for (std::size_t rank = 0; rank < cards_.size(); ++rank) {
      if (links_[rank] == nullptr && static_cast<Rank>(rank) != meeting_.rank) unreachable(rank);
    }
    return links_;
  }

 private:
  // Everybody has published an address by now, so a peer that does not answer within this on a
  // preferred transport cannot.
  static constexpr std::chrono::seconds attempt_time{20};

  struct Attempt {
    std::size_t rank;
    std::unique_ptr<Endpoint> endpoint;
  };

  bool is_me(std::size_t rank) const { return static_cast<Rank>(rank) == meeting_.rank; }

  // What an end of a pair has from earlier communicators.
  enum State : char {
    none = '-',
    works = 'w',
    works_in_use = 'W',
    failed = 'f',
    failed_in_use = 'F'
  };

  State state_of(const Link* link) const {
    if (link == nullptr) return none;
    const bool in_use = engine_.is_used(*link);
    if (link->failed()) return in_use ? failed_in_use : failed;
    return in_use ? works_in_use : works;
  }

  // Links that work at both ends serve again; others are closed, and new ones take their places.
  void reuse_links() {
    std::string mine(cards_.size(), none);
    {
      const Engine::Hold hold(engine_);
      for (std::size_t rank = 0; rank < cards_.size(); ++rank) {
        if (!is_me(rank)) mine[rank] = state_of(engine_.find_link(cards_[rank].engine));
      }
    }
    const auto all = exchange_row(meeting_, "links", mine, deadline_);
    const auto serves = [&](std::size_t one, std::size_t other) {
      const auto fine = [](char state) { return state == works || state == works_in_use; };
      return fine(all[one][other]) && fine(all[other][one]);
    };
    for (std::size_t one = 0; one < cards_.size(); ++one) {
      for (std::size_t other = 0; other < cards_.size(); ++other) {
        const char state = all[one][other];
        const bool in_use = state == works_in_use || state == failed_in_use;
        if (in_use && !serves(one, other)) lost_connection(one, other);
      }
    }
    const Engine::Hold hold(engine_);
    for (std::size_t rank = 0; rank < cards_.size(); ++rank) {
      const Identity& engine = cards_[rank].engine;
      if (serves(static_cast<std::size_t>(meeting_.rank), rank)) {
        links_[rank] = engine_.find_link(engine);
      } else if (mine[rank] != none) {
        engine_.remove_link(engine);
      }
    }
  }

  // Alike on every rank.
  [[noreturn]] void lost_connection(std::size_t one, std::size_t other) const {
    throw Error(
        ErrorCode::unavailable,
        fmt::format("rank {}: joining: the connection between {} and {} is lost, and earlier "
                    "communicators hold on to it: destroy them first",
                    meeting_.rank, name_of(one), name_of(other)));
  }

  std::string name_of(std::size_t rank) const {
    return fmt::format("rank {} on host {}", rank, cards_[rank].host);
  }

  void attempt(const std::string& name, Transport& transport, const Deadline& until) {
    attempts_.clear();
    for (std::size_t rank = 0; rank < cards_.size(); ++rank) {
      if (links_[rank] != nullptr || is_me(rank)) continue;
      const std::string* const address = cards_[rank].address(name);
      if (address == nullptr || !transport.reaches(*address)) {
        reasons_[rank] += fmt::format("{}: not offered; ", name);
        continue;
      }
      const Transport::Peer peer{*address, cards_[rank].engine, name_of(rank),
                                 meeting_.credentials};
      const Engine::Hold hold(engine_);
      attempts_.push_back({rank, transport.connect(peer)});
    }
    while (!settled() && !until.passed()) {
      if (!engine_.progress()) poll(nullptr, 0, 1);
    }
  }

  bool settled() const {
    const Engine::Hold hold(engine_);
    return std::ranges::none_of(attempts_, [](const Attempt& attempt) {
      return attempt.endpoint->state() == Endpoint::State::connecting;
    });
  }

  // A pair uses a transport only if both ends are ready: everybody says whom it reaches, also who
  // does not have it.
  void agree(const std::string& name, Transport* transport) {
    std::string mine(cards_.size(), '0');
    {
      const Engine::Hold hold(engine_);
      for (const Attempt& attempt : attempts_) {
        if (attempt.endpoint->state() == Endpoint::State::ready) mine[attempt.rank] = '1';
      }
    }
    const auto all = exchange_row(meeting_, name, mine, deadline_);
    const Engine::Hold hold(engine_);
    for (Attempt& attempt : attempts_) {
      const bool both = mine[attempt.rank] == '1' &&
                        all[attempt.rank][static_cast<std::size_t>(meeting_.rank)] == '1';
      if (both) {
        links_[attempt.rank] =
            engine_.add_link(cards_[attempt.rank].engine,
                             std::make_unique<Link>(name_of(attempt.rank), name, *transport,
                                                    std::move(attempt.endpoint)));
      } else {
        const std::string& why = attempt.endpoint->failure();
        reasons_[attempt.rank] += fmt::format("{}: {}; ", name, why.empty() ? "no answer" : why);
      }
    }
    attempts_.clear();
  }

  [[noreturn]] void unreachable(std::size_t rank) const {
    throw Error(ErrorCode::unavailable, fmt::format("rank {}: joining: {} cannot be reached: {}",
                                                    meeting_.rank, name_of(rank), reasons_[rank]));
  }

  Meeting& meeting_;
  Engine& engine_;
  const std::vector<Card>& cards_;
  const Deadline deadline_;
  std::vector<Link*> links_;
  std::vector<std::string> reasons_;
  std::vector<Attempt> attempts_;
};

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

Topology discover(Meeting& meeting, const std::vector<Link*>& links, const Deadline& deadline) {
  std::string mine(links.size(), '0');
  for (std::size_t rank = 0; rank < links.size(); ++rank) {
    if (links[rank] == nullptr || links[rank]->transport().shares_memory()) mine[rank] = '1';
  }
  return Topology::from_nodes(find_nodes(exchange_row(meeting, "nodes", mine, deadline)));
}

Card my_card(const Engine& engine, int world_size) {
  const std::string machine = machine_identity();  // begins with the kernel's boot id
  Card card{engine.identity(),
            host_name(),
            machine.substr(0, machine.find(' ')),
            allowed_cpus(),
            quota_cores(),
            engine.next_communicator_id(),
            world_size,
            {}};
  for (const auto& [name, transport] : engine.transports()) {
    card.transports.emplace_back(name, transport->address());
  }
  return card;
}

// Ranks that run on the same cores, seen from one of them.
struct Sharing {
  int ranks = 0, nodes = 0, cores = 1;
};

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

// For the planner, the same on every rank: where several nodes share a kernel each is given its
// share.
int least_cores_of_a_node(const Topology& topology, const std::vector<Card>& cards) {
  int least = std::numeric_limits<int>::max();
  for (Rank rank = 0; rank < topology.world_size(); ++rank) {
    if (topology.local_rank(rank) != 0) continue;
    const Sharing sharing = sharing_of(rank, topology, cards);
    least = std::min(least, std::max(1, sharing.cores / sharing.nodes));
  }
  return least;
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

// While ranks join, members of their job may connect, and nobody later.
class Admission {
 public:
  Admission(Engine& engine, const Meeting& meeting)
      : engine_(engine), job_(meeting.credentials.job) {
    if (meeting.world_size == 1) return;
    const Engine::Hold hold(engine_);
    for (const auto& [name, transport] : engine_.transports()) {
      transport->admit(meeting.credentials);
    }
  }
  ~Admission() {
    const Engine::Hold hold(engine_);
    for (const auto& [name, transport] : engine_.transports()) transport->dismiss(job_);
  }
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

 private:
  Engine& engine_;
  const Identity job_;
};

}  // namespace

void check_names(const Options& options) {
  wanted_transports(options.transport);
  if (options.algorithm.empty()) return;
  for (int i = 0; i < collective_count; ++i) {
    if (find_algorithm(static_cast<Collective>(i), options.algorithm) != nullptr) return;
  }
  throw Error(ErrorCode::invalid_argument,
              fmt::format("MOTET_ALGORITHM: there is no algorithm \"{}\"", options.algorithm));
}

std::shared_ptr<Job> join(Meeting meeting, const Options& options, const Deadline& deadline) {
  auto job = std::make_shared<Job>();
  job->rank = meeting.rank;
  job->server = meeting.server;
  job->engine = engine_of_this_thread(options, meeting.rank);
  Engine& engine = *job->engine;
  const Admission admission(engine, meeting);
  std::vector<Card> cards;
  for (const auto& text :
       exchange(meeting, "card", to_text(my_card(engine, meeting.world_size)), deadline)) {
    cards.push_back(read_card(meeting.rank, cards.size(), text));
  }
  expect_same_world_size(meeting, cards);
  for (const Card& card : cards) job->hosts.push_back(card.host);
  job->communicator_id = std::ranges::max(cards, {}, &Card::next_id).next_id;
  job->links = Connecting(meeting, engine, cards, deadline).connect_all();
  job->topology = discover(meeting, job->links, deadline);
  engine.use_communicator_id(job->communicator_id);
  const Sharing sharing = sharing_of(meeting.rank, job->topology, cards);
  engine.share_cores(sharing.ranks, sharing.cores);
  job->cores_per_node = least_cores_of_a_node(job->topology, cards);
  if (meeting.world_size > 1) {
    job->health = Health::join({meeting.rank, meeting.world_size, engine.identity()},
                               meeting.credentials, *meeting.store, deadline);
  }
  return job;
}

}  // namespace motet
