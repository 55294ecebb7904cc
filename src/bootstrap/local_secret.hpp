// The secret of a job on one machine, handed to processes of the same user: rank 0 serves it on an
// abstract Unix socket named after user and port, and the kernel says who is at the other end. No
// file, so nothing can be left behind.
#pragma once

#include <optional>

#include "base/deadline.hpp"
#include "net/credentials.hpp"
#include "net/listening_socket.hpp"

namespace motet {

class LocalSecret {
 public:
  // Throws Error{system}, also if somebody else has taken the name.
  LocalSecret(const Secret& secret, int port);
  // Serves whoever is waiting, without blocking. descriptor() is readable when somebody is.
  void advance();
  int descriptor() const { return listening_.socket.get(); }

 private:
  Secret secret_;
  ListeningSocket listening_;
};

// Nothing if nobody of this user serves one now. Who serves is given 5 s to answer.
std::optional<Secret> try_local_secret(int port);
// Asks rank 0 of the job at `port`, which may not have started yet. Throws Error{timeout} naming
// the socket.
Secret fetch_local_secret(int port, const Deadline& deadline);

}  // namespace motet
