// Ranks for tests of the executor: an engine each, linked pair by pair, without a store and without
// a health connection. Threads of one process (World) or processes of their own (run_processes).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "algorithms/algorithm.hpp"
#include "execute/context.hpp"
#include "execute/engine.hpp"
#include "schedule/problem.hpp"

namespace motet::test {

// Generous: sanitizers and other jobs on the machine slow everything down.
inline constexpr std::chrono::milliseconds patience{60'000};

// How ranks reach each other.
struct Network {
  std::string transport = "shm";
  std::string fault;  // a plan, see FaultPlan; "": none
  TransportOptions options;
  bool blockwise = true;
  bool past_caches = false;              // outputs are stored so
  bool reads = false;                    // peers' memory, by and by: see ReadingTransport
  std::size_t block_bytes = 128 * 1024;  // of programs
};
std::ostream& operator<<(std::ostream& out, const Network& network);

// Rings and blocks so small that everything is full all the time.
Network tiny(Network network);

// Those of these transports that are available here.
std::vector<std::string> available(std::vector<std::string> transports);

// What peers need to connect.
struct Card {
  Identity engine;
  std::string address;
};

class RankEngine {
 public:
  RankEngine(const Network& network, Rank rank, int world_size, const Credentials& credentials);

  Card card() const;
  // Starts connecting to everybody.
  void connect(const std::vector<Card>& cards);
  // Drives that. Throws std::runtime_error if it has failed.
  bool connected();
  // Once connected.
  void make_links();

  Rank rank() const { return rank_; }
  const Network& network() const { return network_; }
  Engine& engine() { return *engine_; }
  PeerLink* link(Rank peer) const { return links_[static_cast<std::size_t>(peer)]; }

 private:
  Network network_;
  Rank rank_;
  Credentials credentials_;
  std::unique_ptr<Engine> engine_;
  std::vector<Card> cards_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;  // until they become links
  std::vector<PeerLink*> links_;                      // by rank; null for this one
};

// What a rank asks for. Algorithm "": the first of the list that supports the problem.
struct Ask {
  Collective collective = Collective::barrier;
  DataType type = DataType::uint32;
  std::size_t count = 0;
  Rank root = 0;
  bool in_place = false;
  std::string_view algorithm = "";
  Params params = {};
  std::size_t block_bytes = 0;  // 0: the network's
};
std::ostream& operator<<(std::ostream& out, const Ask& ask);
// On a communicator of so many ranks.
bool supports(const Algorithm& algorithm, const Ask& ask, int size);

class Comm;

// A call under way. One that is not over when it dies is left to its communicator.
class Call {
 public:
  Call(Comm& comm, std::unique_ptr<Operation> operation);
  Call(Call&&) = default;
  Call& operator=(Call&&) = delete;
  ~Call();

  // Throws std::runtime_error if it fails or is not over in time.
  void wait();
  // Drives a little. True if it is over.
  bool test();

 private:
  void expect_success() const;

  Comm* comm_;
  std::unique_ptr<Operation> operation_;
  Engine::Patience patience_{.timeout = patience};
};

// A communicator on one rank.
class Comm {
 public:
  // `members`: ranks of the world, this one among them, in the order of their ranks here.
  Comm(RankEngine& rank, std::uint32_t id, std::vector<Rank> members);

  Rank rank() const { return rank_; }
  int size() const { return static_cast<int>(members_.size()); }
  Engine& engine() { return owner_.engine(); }
  Context& context() { return context_; }

  std::shared_ptr<const Program> program(const Ask& ask) const;
  Call start(const Ask& ask, const void* input, void* output);
  void run(const Ask& ask, const void* input, void* output) { start(ask, input, output).wait(); }
  void barrier() { run({}, nullptr, nullptr); }

 private:
  RankEngine& owner_;
  std::vector<Rank> members_;
  Rank rank_;
  Topology topology_;
  Context context_;
};

// Ranks that are threads.
class World {
 public:
  World(const Network& network, int ranks);
  int size() const { return static_cast<int>(ranks_.size()); }
  RankEngine& operator[](Rank rank) { return *ranks_[static_cast<std::size_t>(rank)]; }
  // Each rank in a thread of its own; rethrows what the first of them threw.
  void run(const std::function<void(RankEngine&)>& body);

 private:
  std::vector<std::unique_ptr<RankEngine>> ranks_;
};

// Each rank in a process of its own. What went wrong, a line per rank; "" if nothing did. To be
// called where no other thread runs.
std::string run_processes(const Network& network, int ranks,
                          const std::function<void(RankEngine&)>& body);

// 0 to n - 1.
std::vector<Rank> everybody(int n);

}  // namespace motet::test
