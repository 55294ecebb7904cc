// Tries the transports that join this rank to each of its peers, all peers at once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "communicator/card.hpp"
#include "communicator/choosing.hpp"
#include "communicator/meeting.hpp"
#include "execute/engine.hpp"

namespace motet {

// What the ranks of a job have to offer one another, alike on every rank.
struct Offers {
  std::vector<std::string> names;   // of all transports that some rank has, best first
  std::vector<bool> shares_memory;  // by name
  static Offers of(const std::vector<Card>& cards);
};

class Probing {
 public:
  // `linked`: by rank, whom not to try. Engine, cards and meeting must outlive it.
  Probing(const Meeting& meeting, Engine& engine, const std::vector<Card>& cards,
          const Offers& offers, const std::vector<bool>& linked);
  // Endpoints die with the engine held.
  ~Probing();
  Probing(const Probing&) = delete;
  Probing& operator=(const Probing&) = delete;

  // A lesser transport is tried when a better one has failed or let wait for it; after this all are
  // tried at once.
  void try_everything() { everything_ = true; }
  // Until the best of each peer has answered (with try_everything(): all have), or the deadline.
  void go_on(const Deadline& deadline);

  const std::vector<Card>& cards() const { return cards_; }
  const Offers& offers() const { return offers_; }
  // This rank's of the ReachTable.
  std::string row() const;
  // Why a transport does not work: "10.0.0.7:4711: Connection refused".
  std::string reason(std::size_t rank, std::size_t transport) const;
  // By which way it works, or "".
  std::string route(std::size_t rank, std::size_t transport) const;
  // A transport that works. Null afterwards.
  std::unique_ptr<Endpoint> take(std::size_t rank, std::size_t transport);

 private:
  struct Attempt {
    Transport* transport = nullptr;  // null: not offered by both
    Clock::time_point since{};       // when it began
    std::string refusal{};           // why it could not begin
    std::unique_ptr<Endpoint> endpoint;
  };
  using Attempts = std::vector<Attempt>;  // by transport

  Attempts offered_by_both(std::size_t rank) const;
  std::string why_missing(std::size_t rank, const std::string& transport) const;
  static Way way_of(const Attempt& attempt);
  void begin(std::size_t rank, std::size_t transport);
  // Begins what is due; whether nothing more is waited for.
  bool settle(std::size_t rank, Clock::time_point now);
  bool settle_all();

  const Meeting& meeting_;
  Engine& engine_;
  const std::vector<Card>& cards_;
  const Offers& offers_;
  bool everything_ = false;
  std::vector<bool> linked_;
  std::vector<Attempts> attempts_;  // by rank
};

// "rank 3 on host b"
std::string name_of(std::size_t rank, const Card& card);

}  // namespace motet
