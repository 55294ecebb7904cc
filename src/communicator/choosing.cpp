#include "communicator/choosing.hpp"

namespace motet {
namespace {

using Pair = std::pair<std::size_t, std::size_t>;

class Choosing {
 public:
  Choosing(const ReachTable& table, const std::vector<bool>& shares_memory)
      : table_(table), shares_memory_(shares_memory) {
    for (std::size_t one = 0; one < table_.ranks(); ++one) {
      for (std::size_t other = one + 1; other < table_.ranks(); ++other) {
        if (table_.linked(one, other) || shared(one, other)) continue;
        network_pairs_.emplace_back(one, other);
      }
    }
  }

  Choice choose(std::size_t me, bool last) {
    Choice choice;
    choose_network(choice);
    if (!choice.network) {
      for (const auto& [one, other] : network_pairs_) settle(one, other, last, choice);
    }
    if (choice.undecided) return choice;
    choice.mine.resize(table_.ranks());
    for (std::size_t rank = 0; rank < table_.ranks(); ++rank) {
      if (rank == me || table_.linked(me, rank)) continue;
      choice.mine[rank] = shared(me, rank);
      if (!choice.mine[rank]) choice.mine[rank] = choice.network;
      if (!choice.mine[rank]) choice.mine[rank] = best(me, rank);
    }
    return choice;
  }

 private:
  // The best way through memory, if that is wanted before any network.
  std::optional<std::size_t> shared(std::size_t one, std::size_t other) const {
    for (std::size_t t = 0; t < table_.transports() && shares_memory_[t]; ++t) {
      if (table_.works(one, other, t)) return t;
    }
    return {};
  }

  std::optional<std::size_t> best(std::size_t one, std::size_t other) const {
    for (std::size_t t = 0; t < table_.transports(); ++t) {
      if (table_.works(one, other, t)) return t;
    }
    return {};
  }

  std::optional<Pair> first_without(std::size_t transport) const {
    for (const auto& [one, other] : network_pairs_) {
      if (!table_.works(one, other, transport)) return Pair{one, other};
    }
    return {};
  }

  void choose_network(Choice& choice) const {
    if (network_pairs_.empty()) return;
    for (std::size_t t = 0; t < table_.transports() && !choice.network; ++t) {
      if (shares_memory_[t]) continue;
      const auto without = first_without(t);
      if (without) {
        choice.lost.push_back({t, without->first, without->second});
      } else {
        choice.network = t;
      }
    }
  }

  // A pair that no common network joins.
  void settle(std::size_t one, std::size_t other, bool last, Choice& choice) const {
    for (std::size_t t = 0; t < table_.transports() && !last; ++t) {
      if (table_.open(one, other, t)) choice.undecided = true;
    }
    if (!choice.apart && !choice.undecided && !best(one, other)) choice.apart = {one, other};
  }

  const ReachTable& table_;
  const std::vector<bool>& shares_memory_;
  std::vector<Pair> network_pairs_;  // share no memory
};

}  // namespace

bool ReachTable::open(std::size_t one, std::size_t other, std::size_t transport) const {
  const Way there = at(one, other, transport), back = at(other, one, transport);
  const auto may = [](Way way) { return way == Way::works || way == Way::trying; };
  return may(there) && may(back) && !works(one, other, transport);
}

Choice choose(const ReachTable& table, const std::vector<bool>& shares_memory, std::size_t me,
              bool last) {
  return Choosing(table, shares_memory).choose(me, last);
}

}  // namespace motet
