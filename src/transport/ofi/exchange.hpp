// All that moves through one domain: what goes out, what comes in, and to whom it is handed.
#pragma once

#include "transport/messages/directory.hpp"
#include "transport/ofi/inbox.hpp"
#include "transport/ofi/outbox.hpp"
#include "transport/ofi/reads.hpp"

namespace motet::ofi {

class Exchange {
 public:
  // Both must outlive it. Throws nothing: problem() says why nothing can be received.
  Exchange(Domain& domain, messages::Directory& directory, std::size_t longest_message);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const std::string& problem() const { return inbox_.problem(); }
  Outbox& outbox() { return outbox_; }
  Reads& reads() { return reads_; }
  // True if anything changed.
  bool advance();
  // Whether advance() may change something without any completion.
  bool waits() const { return inbox_.waits() || outbox_.waits() || reads_.waits(); }
  // Lets the last words on a line go out, as far as the peer takes them; keeps the caller no longer
  // than a second in two, however many lines end.
  void close(Line& line);
  // Ends everything with everybody: what is read over the domain has no other end.
  void cut_off();

 private:
  bool complete();
  void finish(const Line& line);
  // What had come by a connection that has failed, before it is given up: ofi_rxm would post its
  // receives again, to what it has freed.
  void take_what_is_left();

  Domain& domain_;
  messages::Directory& directory_;
  Inbox inbox_;
  Outbox outbox_;
  Reads reads_;
  std::chrono::nanoseconds patience_;  // left with last words
  Clock::time_point finished_{};       // when that was
};

}  // namespace motet::ofi
