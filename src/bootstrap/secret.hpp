// Where the job's secret comes from, and the unique id that carries it.
#pragma once

#include <string>

#include "base/deadline.hpp"
#include "base/options.hpp"
#include "net/credentials.hpp"

namespace motet {

// Made by one rank, given to all others by the user's own means; whoever has it can join. Its text
// is at most 56 bytes longer than `host`. Holds where rank 0 serves the store, and the secret.
struct UniqueId {
  std::string host;  // one of rank 0's addresses; several separated by commas
  int port = 0;
  Secret secret{};

  std::string to_text() const;  // with the secret: for transport only
  static UniqueId from_text(
      const std::string& text);   // throws Error{invalid_argument}, without quoting it
  std::string printable() const;  // "motet:host:port:***"
};

struct FoundSecret {
  Secret secret{};
  // Made here, on rank 0: its StoreServer must share it with the other ranks of this machine.
  bool to_be_shared = false;
};

// The secret for env:// bootstrap, in this order: MOTET_SECRET_FILE (a 0600 file, or "fd:7"),
// MOTET_SECRET (16 characters or more), and on a single machine the one that rank 0 makes and
// serves to processes of the same user (local_secret.hpp). Uses options.rank and
// options.master_port. Throws Error{invalid_argument} that says which to set, Error{timeout} when
// rank 0 or the descriptor's text does not come.
FoundSecret find_secret(const Options& options, bool single_machine, const Deadline& deadline);

}  // namespace motet
