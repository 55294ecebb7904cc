// Where the job's secret comes from, and the unique id that carries it.
#pragma once

#include <optional>
#include <string>

#include "base/options.hpp"
#include "net/credentials.hpp"

namespace motet {

// Made by one rank, given to all others by the user's own means; whoever has it can join. 128 bytes when handed through C.
// Holds where rank 0 serves the store, and the secret.
struct UniqueId {
  std::string host;  // one of rank 0's addresses; several separated by commas
  int port = 0;
  Secret secret{};

  std::string to_text() const;        // with the secret: for transport only
  static UniqueId from_text(const std::string& text);  // throws Error{invalid_argument}
  std::string printable() const;      // "motet:host:port:***"
};

// The secret for env:// bootstrap, in the order of DESIGN §6: MOTET_SECRET_FILE, MOTET_SECRET, on one machine a 0600 file of
// rank 0 in the user's run-time folder (made by rank 0, found by the others, named by master port and user). Throws
// Error{invalid_argument} that says which to set.
Secret find_secret(const Options& options, bool single_machine);

}  // namespace motet
