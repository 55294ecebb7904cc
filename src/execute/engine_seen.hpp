// What the engine's own files know of an operation while they do not hold the engine.
#pragma once

#include <optional>
#include <string>

#include "execute/engine.hpp"

namespace motet {

struct Engine::Seen {
  Context& context;
  std::uint64_t sequence;
  const PeerLink* peer = nullptr;  // of a message between two ranks
  bool mismatch = false;           // of such a message: only these two know
  std::optional<std::uint64_t> suspected{};
  std::string suspicion{};  // what is wrong, where this rank knows
  const PeerLink* lost = nullptr;
  std::string why_lost{};
  bool reports = true;  // asks the others when it takes long

  std::string where_is_everybody() const {
    if (peer != nullptr) return "waited for " + peer->peer();
    Observer* const observer = context.observer();
    return observer == nullptr ? std::string() : observer->where_is_everybody(sequence);
  }
};

// One that is followed.
struct Engine::Checked {
  std::uint64_t number;
  Seen seen;
  Patience patience;
};

}  // namespace motet
