// What the receiver owes its peer: blocks consumed and not yet told.
#pragma once

#include <span>
#include <vector>

#include "transport/flow/frame.hpp"

namespace motet::flow {

// Who can tell the peer.
class CreditSender {
 public:
  virtual ~CreditSender() = default;
  // Sends all credits now.
  virtual void send_credits(std::span<const Credit> credits) = 0;
};

// A credit rides along with the next block to the peer. It is sent by itself only when waiting
// could close the stream's window (half of it owed), or when too many streams are owed something;
// so both ends remember a bounded number of streams. Owned by an endpoint and by blocks set aside,
// which may outlive it.
class Ledger {
 public:
  explicit Ledger(CreditSender* sender);

  void consumed(std::uint32_t stream);
  // One credit to ride along; blocks = 0 if nothing is owed.
  Credit take_one();
  // The connection is gone: nobody is owed anything.
  void disconnect();

 private:
  void settle();

  CreditSender* sender_;  // null once disconnected
  std::vector<Credit> owed_;
};

}  // namespace motet::flow
