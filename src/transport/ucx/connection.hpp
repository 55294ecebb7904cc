// An UCX endpoint, to one peer, and what is under way through it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.hpp"
#include "transport/messages/wire.hpp"
#include "transport/ucx/worker.hpp"

namespace motet::ucx {

class Connections;

// Outlives its wire until what has been posted is gone. Handed to UCX by address.
class Connection {
 public:
  Connection(Connections& all, std::string_view peer_address);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void set_owner(messages::WireOwner* owner) { owner_ = owner; }
  bool has_room() const;
  bool has_unfinished() const { return messages_ > 0; }
  void post(const messages::Envelope& envelope, std::span<const std::byte> payload);
  // Sends an active message whose data UCX may read until idle(), or until cut_off().
  void send_in_place(unsigned id, std::span<const std::byte> header,
                     std::span<const std::byte> data);
  // Ends what is under way, as if the peer had gone, unless that was `done`.
  void cut_off(const std::function<bool()>& done);
  bool has_failed() const { return !failure_.empty(); }
  // Sends something more where nothing else would tell.
  bool idle();

  // Nobody posts any more: goes once the peer has everything.
  void retire();
  bool retired() const { return retired_; }
  // Whether UCX has nothing more to do with it.
  bool gone();
  // Goes as it is. The others may die before it.
  void abandon();
  // Tells the owner, if he does not know. True if he had to be told.
  bool tell_failure();

 private:
  struct Outgoing;

  bool send_short(const messages::Envelope& envelope, std::span<const std::byte> payload);
  void send(std::unique_ptr<Outgoing> outgoing);
  void forget(std::unique_ptr<Outgoing> outgoing, ucs_status_t status);
  void probe();
  enum class Close { by_force, by_flush };
  void close(Close how);
  void fail(ucs_status_t status);

  Connections& all_;
  const Library& library_;
  ucp_ep_h endpoint_ = nullptr;  // null if UCX cannot reach the peer
  messages::WireOwner* owner_ = nullptr;
  std::string failure_;
  std::size_t messages_ = 0;  // under way
  std::size_t bytes_ = 0;
  std::size_t unproved_bytes_ = 0;  // which UCX may still have to hand over
  bool retired_ = false;
  bool closed_ = false;
  void* closing_ = nullptr;  // a request of UCX
};

// Those of one transport.
class Connections {
 public:
  explicit Connections(Worker& worker);
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  std::unique_ptr<messages::Wire> connect(std::string_view peer_address);
  // That of the wire made last.
  Connection& last() { return *all_.back(); }
  Worker& worker() { return worker_; }
  // There is something for sweep() to do.
  void want_sweep() { wants_sweep_ = true; }
  // Tells of failures, and forgets who is closed. True if anything changed.
  bool sweep();
  // Lets UCX work until `done`, as long as patience lasts.
  void linger(const std::function<bool()>& done);
  // Lets UCX work until `done`. False if that has not come by the deadline.
  [[nodiscard]] bool work_until(const std::function<bool()>& done, const Deadline& deadline);

 private:
  Worker& worker_;
  std::vector<std::unique_ptr<Connection>> all_;
  Clock::duration patience_;
  bool wants_sweep_ = false;
};

}  // namespace motet::ucx
