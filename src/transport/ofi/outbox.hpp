// What goes out: one line to each peer, and its messages from post() until libfabric needs them no
// more.
#pragma once

#include <deque>
#include <list>
#include <memory>
#include <string>

#include "base/deadline.hpp"
#include "transport/messages/wire.hpp"
#include "transport/ofi/buffers.hpp"

namespace motet::ofi {

// To one peer. Outlives its wire until everything has gone out.
struct Line {
  fi_addr_t to = FI_ADDR_UNSPEC;
  messages::WireOwner* owner = nullptr;
  std::deque<Buffer*> waiting;  // those that libfabric had no room for
  std::size_t under_way = 0;    // messages, those that wait included
  std::size_t bytes = 0;        // of these
  std::string problem;          // once it is broken, the first; nothing more is sent
  bool told = false;            // the owner, that it is broken
  bool closed = false;
  Deadline give_up = Deadline::after({});  // once closed
};

class Outbox {
 public:
  // `longest`: of a message. All must outlive it; the domain's endpoint closes before it goes.
  Outbox(Domain& domain, std::size_t longest);
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  Line& open(fi_addr_t to);
  void close(Line& line);  // what waits is still sent, for a while

  void post(Line& line, const messages::Envelope& envelope, std::span<const std::byte> payload);
  // Libfabric is done with it.
  void sent(const Completion& completion);
  // Sends what waits and tells of broken lines. True if anything changed.
  bool advance();

  // Whether calls of advance() may find room without any completion.
  bool waits() const { return waiting_ > 0; }
  bool idle() const;

 private:
  Buffer* take(std::size_t bytes);
  void give_back(Buffer& buffer);
  bool try_to_send(Line& line);
  void break_line(Line& line, std::string problem);
  void drop_waiting(Line& line);
  bool tell(Line& line);

  Domain& domain_;
  Buffers small_, large_;
  std::list<Line> lines_;
  std::size_t waiting_ = 0;  // messages, on all lines
  std::size_t untold_ = 0;   // lines that are broken
};

}  // namespace motet::ofi
