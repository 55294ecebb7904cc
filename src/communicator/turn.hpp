// Communicators of one engine are made one at a time, and all ranks of one make it at the same
// time: that is how they agree on an id that is new to each, and why no two connect the same pair
// of engines. Threads may make them in any order: nobody keeps a turn while others wait for theirs,
// but for the time in which a network is measured: milliseconds, or seconds if it is very slow.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/deadline.hpp"
#include "execute/engine.hpp"

namespace motet {

class Turn {
 public:
  explicit Turn(Engine& engine) : engine_(engine) {}
  // The communicator exists, or never will.
  ~Turn();
  Turn(const Turn&) = delete;

  // What ranks tell one another.
  struct Word {
    std::uint32_t has_turn = 0;
    std::uint32_t gives_up = 0;
    std::uint32_t next_id = 0;
  };
  // Everybody's, by rank.
  using Exchange = std::function<std::vector<Word>(const Word& mine)>;
  // Collective, and all ranks have come: returns the new id once all have their turns. `salt`: the
  // same on all ranks, another for communicators that others make. Throws Error, the same on all
  // ranks: {timeout} when the deadline of one has passed, {unavailable} when all ids have been
  // used.
  std::uint32_t take(const Exchange& exchange, std::uint64_t salt, const Deadline& deadline);
  // Another id, for a second communicator of the same ranks; the one that had the first has been
  // destroyed. Every rank calls it; none talks to another. Throws Error{unavailable} as take()
  // does.
  std::uint32_t take_another();

 private:
  Word try_to_take();
  std::uint32_t checked_id();
  void give_back(std::optional<std::uint32_t> used_id);

  Engine& engine_;
  bool has_it_ = false;
  std::optional<std::uint32_t> id_;
};

}  // namespace motet
