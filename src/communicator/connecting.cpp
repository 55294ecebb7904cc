#include "communicator/connecting.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>

namespace motet {
namespace {

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
  // Endpoints die with the engine held, also after an error.
  ~Connecting() {
    const Engine::Hold hold(engine_);
    attempts_.clear();
  }
  Connecting(const Connecting&) = delete;
  Connecting& operator=(const Connecting&) = delete;

  std::vector<PeerLink*> connect_all() {
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

  State state_of(const PeerLink* link) const {
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
                             std::make_unique<PeerLink>(name_of(attempt.rank), name, *transport,
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
  std::vector<PeerLink*> links_;
  std::vector<std::string> reasons_;
  std::vector<Attempt> attempts_;
};

}  // namespace

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

std::vector<PeerLink*> connect_all(Meeting& meeting, Engine& engine, const std::vector<Card>& cards,
                                   const Deadline& deadline) {
  return Connecting(meeting, engine, cards, deadline).connect_all();
}

}  // namespace motet
