// Which transport each pair of ranks uses, decided from what all ranks found when they probed.
// Pure: every rank has the same table and decides alike.
//
// A pair that shares memory uses that. All others use one network: the best that works, both ways,
// for all of them. Only if there is none each pair takes the best of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/types.hpp"

namespace motet {

// What one rank says of a transport to another.
enum class Way : char {
  absent = '-',  // one of the two has not offered it, or it need not be tried
  trying = '?',  // no answer yet, or not begun
  works = '+',
  failed = 'x',
  linked = '='  // an earlier communicator's link serves again
};

class ReachTable {
 public:
  // rows[from] has `transports` characters for each rank. Throws nothing: the caller has checked
  // the lengths, and unknown characters count as absent.
  ReachTable(std::vector<std::string> rows, std::size_t transports)
      : rows_(std::move(rows)), transports_(transports) {}

  std::size_t ranks() const { return rows_.size(); }
  std::size_t transports() const { return transports_; }
  Way at(std::size_t from, std::size_t to, std::size_t transport) const {
    return static_cast<Way>(rows_[from][to * transports_ + transport]);
  }
  bool works(std::size_t one, std::size_t other, std::size_t transport) const {
    return at(one, other, transport) == Way::works && at(other, one, transport) == Way::works;
  }
  // Whether it might work yet.
  bool open(std::size_t one, std::size_t other, std::size_t transport) const;
  bool linked(std::size_t one, std::size_t other) const {
    return transports_ > 0 && at(one, other, 0) == Way::linked;
  }

 private:
  std::vector<std::string> rows_;
  std::size_t transports_;
};

// A transport that does not join a pair of ranks.
struct Obstacle {
  std::size_t transport, one, other;
};

struct Choice {
  // Some pair has nothing yet and may get it: probe on, everything there is.
  bool undecided = false;
  // A pair that nothing joins.
  std::optional<std::pair<std::size_t, std::size_t>> apart;
  // That of all pairs which share no memory; none if each has its own, or there are no such pairs.
  std::optional<std::size_t> network;
  // Better networks than the one taken, each with the first pair that it does not join.
  std::vector<Obstacle> lost;
  // Of the rank that asks: by rank; none for linked ranks and itself.
  std::vector<std::optional<std::size_t>> mine;
};

// `shares_memory`: by transport, best first. `last`: what is not known by now never will be.
Choice choose(const ReachTable& table, const std::vector<bool>& shares_memory, std::size_t me,
              bool last);

}  // namespace motet
