// What the communicators of one bootstrap share: the engine of this rank, the health connection,
// and who the ranks are.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/options.hpp"
#include "bootstrap/health.hpp"
#include "communicator/opening.hpp"
#include "communicator/turn.hpp"
#include "execute/engine.hpp"
#include "planner/tuning.hpp"
#include "topology/fabric.hpp"
#include "topology/topology.hpp"

namespace motet {

struct Job {
  // Declared in the order of creation: the health connection says goodbye before links close, and
  // the store's server goes last.
  std::shared_ptr<StoreServer> server;
  std::shared_ptr<Engine> engine;
  std::unique_ptr<Health> health;

  Rank rank = 0;
  std::vector<PeerLink*> links;    // by rank; null for this one
  std::vector<std::string> hosts;  // by rank
  Topology topology = Topology::single_node(1);
  std::optional<Fabric> fabric;     // that rank 0 was told of
  std::vector<std::string> wanted;  // transports, for communicators beside these: see Opened
  std::vector<Missing> missing;
  int cores = 1, nodes_sharing = 1;   // the former used by so many nodes: where they are fewest
  std::optional<Bandwidth> nic{};     // see Machine; measure_network() finds it
  Tuning tuning;                      // rank 0's
  std::uint32_t communicator_id = 0;  // of the communicator of all ranks
  std::unique_ptr<Turn> turn;         // until that exists
};

// What the planner needs to know of the machine.
Machine machine_of(const Job& job);

// Whether the transports and the algorithm that the user names exist. Throws
// Error{invalid_argument}.
void check_names(const Options& options);

// Collective over the meeting: exchanges addresses, connects every pair by the best transport that
// works both ways, finds who shares a node, joins the health hub. Throws Error that names who is
// missing or cannot be reached. `beside`: what has been opened before and is to be used, or
// nothing. Other threads may drive that engine meanwhile.
std::shared_ptr<Job> join(Meeting meeting, const Options& options, const Deadline& deadline,
                          Opened beside = {});

}  // namespace motet
