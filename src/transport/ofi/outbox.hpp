// What goes out: a line to each peer, and its messages from the copy that is made of them until
// libfabric needs it no more.
#pragma once

#include <chrono>
#include <deque>
#include <list>
#include <memory>
#include <string>

#include "transport/messages/wire.hpp"
#include "transport/ofi/buffers.hpp"
#include "transport/ofi/refusals.hpp"
#include "transport/ofi/route.hpp"

namespace motet::ofi {

// To one peer. Outlives its wire while messages are under way.
struct Line {
  Route* route = nullptr;
  messages::WireOwner* owner = nullptr;  // null: nobody listens any more
  std::deque<Buffer*> waiting;           // those for which libfabric had no room
  std::size_t under_way = 0;             // messages, those that wait included
  std::size_t bytes = 0;                 // of these
  Clock::time_point moved{};             // when one had gone last, or the first of these came
  Refusals refusals;
  std::unique_ptr<ListenerProbe> probe;  // while it is asked whether the peer is there
  Clock::time_point next_probe{};
  bool has_worked = false;  // some message has gone out
  std::string problem;      // not "": it is broken, and drops what is posted
  bool told = false;        // the owner, that it is broken
  bool closed = false;      // by its wire
};

class Outbox {
 public:
  // `longest`: of a message. The domain must outlive it; its endpoint closes before it goes.
  Outbox(Domain& domain, std::size_t longest);
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // The route must outlive the outbox.
  Line& open(Route& route);
  // Whether its connection has failed, as far as is known.
  bool has_failed(const Line& line) const;
  // What waits is dropped; what libfabric has it may still send, unless the connection has failed
  // and no other line uses it.
  void close(Line& line);

  void post(Line& line, const messages::Envelope& envelope, std::span<const std::byte> payload);
  // The domain's endpoint has been closed.
  void break_all();
  // Libfabric is done with it.
  void sent(const Completion& completion);
  // Sends what waits and tells of broken lines. True if anything changed.
  bool advance();
  // Whether advance() may find room without any completion.
  bool waits() const { return waiting_ > 0; }

 private:
  Buffer* take(std::size_t bytes);
  void give_back(Buffer& buffer);
  bool try_to_send(Line& line);
  void disconnect(Line& line);
  bool advance(Line& line, Clock::time_point now);
  bool is_gone(Line& line, Clock::time_point now) const;
  bool nobody_listens(Line& line, Clock::time_point now) const;
  void break_line(Line& line, std::string problem);
  void drop_waiting(Line& line);
  bool tell(Line& line);
  void remove_if_done(Line& line);

  Domain& domain_;
  Buffers small_, large_;
  std::list<Line> lines_;
  std::size_t sending_ = 0;  // messages that libfabric has
  std::size_t waiting_ = 0;  // messages that it has not
  std::size_t untold_ = 0;   // lines that are broken
};

}  // namespace motet::ofi
