// What ranks tell one another of themselves when they join: who they are, how they can be reached,
// and what they run on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "communicator/opening.hpp"
#include "communicator/shared_file.hpp"
#include "topology/topology.hpp"

namespace motet {

struct Offer {
  std::string transport;
  std::string address;
  bool shares_memory = false;
};

struct Card {
  Identity engine;
  std::string host;
  std::string kernel;     // equal where ranks share cores, also if they cannot share memory
  std::vector<int> cpus;  // that it may run on: launchers bind each rank to its own
  int quota = 1;
  int package = -1, numa = -1;          // that hold all of cpus
  int world_size = 1;                   // as it was told
  std::vector<Offer> transports;        // best first
  std::vector<std::string> wanted;      // transports, those that are missing too
  std::vector<Missing> missing;         // wanted, and not to be had
  SharedFile tuning, topology, fabric;  // rank 0's count
  // Why it cannot join, and nothing of the above is known; "": it can.
  std::string problem{};
  ErrorCode problem_code{};

  // Null: it does not have it.
  const std::string* address(std::string_view transport) const {
    const auto found = std::ranges::find(transports, transport, &Offer::transport);
    return found == transports.end() ? nullptr : &found->address;
  }
};

// What is found out here; of the engine that is given, or else of this thread's, which is given
// back. What goes wrong when that opens is the card's problem, so that all hear of it.
Card open_for_card(const Options& options, const Meeting& meeting, Opened& opened);
std::string to_text(const Card& card);
// That of rank `of`. Throws Error{unavailable} that names it when the text makes no sense.
Card read_card(Rank me, std::size_t of, const std::string& text);

// Collective over the meeting: the cards of all ranks, by rank. Throws Error as exchange() does,
// and that of the first rank which cannot join.
std::vector<Card> exchange_cards(Meeting& meeting, const Card& mine, const Deadline& deadline);

// Ranks that run on the same cores, seen from one of them.
struct CoreSharing {
  int ranks = 0, nodes = 0, cores = 1;
};
CoreSharing sharing_of(Rank me, const Topology& topology, const std::vector<Card>& cards);
// Of the ranks that have the fewest cores each: what the planner goes by, the same on every rank.
CoreSharing tightest_sharing(const Topology& topology, const std::vector<Card>& cards);

}  // namespace motet
