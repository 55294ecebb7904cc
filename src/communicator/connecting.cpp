#include "communicator/connecting.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "communicator/losses.hpp"
#include "communicator/probing.hpp"

namespace motet {
namespace {

// Everybody has published an address by now, so a peer that does not answer within these rounds
// cannot. After each the ranks compare.
constexpr int rounds = 4;
constexpr std::chrono::seconds longest_round{5};

// What an end of a pair has from earlier communicators.
enum Earlier : char {
  none = '-',
  works = 'w',
  works_in_use = 'W',
  failed = 'f',
  failed_in_use = 'F'
};

bool is_fine(char state) {
  return state == works || state == works_in_use;
}

// Connects this rank to its peers.
class Connecting {
 public:
  Connecting(Meeting& meeting, Engine& engine, const std::vector<Card>& cards,
             const Deadline& deadline)
      : meeting_(meeting),
        engine_(engine),
        cards_(cards),
        offers_(Offers::of(cards)),
        deadline_(deadline),
        links_(cards.size()) {}

  std::vector<PeerLink*> connect_all() {
    reuse_links();
    std::vector<bool> linked;
    for (const PeerLink* link : links_) linked.push_back(link != nullptr);
    Probing probing(meeting_, engine_, cards_, offers_, linked);
    const Choice choice = choose_by_probing(probing);
    if (choice.apart) keep_apart(probing, *choice.apart);
    say_what_is_lost(probing, choice);
    take(probing, choice);
    return links_;
  }

 private:
  char state_of(const PeerLink* link) const {
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
        if (rank != me()) mine[rank] = state_of(engine_.find_link(cards_[rank].engine));
      }
    }
    const auto all = exchange_row(meeting_, "links", mine, deadline_);
    for (std::size_t one = 0; one < cards_.size(); ++one) {
      for (std::size_t other = 0; other < cards_.size(); ++other) {
        const char state = all[one][other];
        const bool in_use = state == works_in_use || state == failed_in_use;
        const bool serves = is_fine(state) && is_fine(all[other][one]);
        if (in_use && !serves) lost_connection(one, other);
      }
    }
    const Engine::Hold hold(engine_);
    for (std::size_t rank = 0; rank < cards_.size(); ++rank) {
      const Identity& engine = cards_[rank].engine;
      if (is_fine(mine[rank]) && is_fine(all[rank][me()])) {
        links_[rank] = engine_.find_link(engine);
      } else if (mine[rank] != none) {
        engine_.remove_link(engine);
      }
    }
  }

  // Alike on every rank.
  [[noreturn]] void lost_connection(std::size_t one, std::size_t other) {
    part_ways(meeting_, "links", everybody(meeting_));
    throw Error(
        ErrorCode::unavailable,
        fmt::format("rank {}: joining: the connection between {} and {} is lost, and earlier "
                    "communicators hold on to it: destroy them first",
                    meeting_.rank, name_of(one, cards_[one]), name_of(other, cards_[other])));
  }

  Choice choose_by_probing(Probing& probing) {
    for (int round = 1;; ++round) {
      const auto longest =
          std::min<Clock::duration>(longest_round, deadline_.left() / (2 * rounds));
      probing.go_on(Deadline::after(longest));
      auto rows = exchange_row(meeting_, fmt::format("ways{}", round), probing.row(), deadline_);
      Choice choice = choose(ReachTable(std::move(rows), offers_.names.size()),
                             offers_.shares_memory, me(), round == rounds);
      if (!choice.undecided) return choice;
      probing.try_everything();
    }
  }

  // Alike on every rank.
  [[noreturn]] void keep_apart(const Probing& probing, std::pair<std::size_t, std::size_t> apart) {
    const auto [one, other] = apart;
    std::vector<Obstacle> obstacles;
    for (std::size_t t = 0; t < offers_.names.size(); ++t) obstacles.push_back({t, one, other});
    const auto why = reasons_for(meeting_, probing, obstacles, deadline_);
    part_ways(meeting_, "reasons", everybody(meeting_));
    throw Error(ErrorCode::unavailable,
                fmt::format("rank {}: joining: {} and {} cannot reach each other: {}",
                            meeting_.rank, name_of(one, cards_[one]), name_of(other, cards_[other]),
                            fmt::join(why, "; ")));
  }

  void say_what_is_lost(const Probing& probing, const Choice& choice) {
    std::vector<std::string> lost = missing_everywhere(cards_, offers_);
    if (!choice.lost.empty()) {
      const auto why = reasons_for(meeting_, probing, choice.lost, deadline_);
      lost.insert(lost.end(), why.begin(), why.end());
    }
    if (lost.empty() || meeting_.rank != 0) return;
    log(LogLevel::warning,
        losses_line(lost, choice.network ? offers_.names[*choice.network] : std::string()));
  }

  void take(Probing& probing, const Choice& choice) {
    const Engine::Hold hold(engine_);
    for (std::size_t rank = 0; rank < cards_.size(); ++rank) {
      if (!choice.mine[rank]) continue;
      const std::string& name = offers_.names[*choice.mine[rank]];
      links_[rank] = engine_.add_link(
          cards_[rank].engine, std::make_unique<PeerLink>(name_of(rank, cards_[rank]), name,
                                                          *engine_.find_transport(name),
                                                          probing.take(rank, *choice.mine[rank])));
    }
  }

  std::size_t me() const { return static_cast<std::size_t>(meeting_.rank); }

  Meeting& meeting_;
  Engine& engine_;
  const std::vector<Card>& cards_;
  const Offers offers_;
  const Deadline deadline_;
  std::vector<PeerLink*> links_;
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
