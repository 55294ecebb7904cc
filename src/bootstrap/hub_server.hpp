// The hub's sockets: accepts the ranks of one job, watches their processes, and lets HealthHub
// decide. Lives on the health thread of rank 0's process until every rank has left or died.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bootstrap/health.hpp"
#include "bootstrap/health_hub.hpp"
#include "bootstrap/health_thread.hpp"
#include "net/framed_socket.hpp"
#include "net/handshake.hpp"

namespace motet {

class HubServer final : public HealthTask {
 public:
  // For the job of rank 0, which `me` is. Throws as listen_on_tcp() does.
  HubServer(const Credentials& credentials, const Health::Member& me);

  std::vector<Address> addresses() const { return listener_.addresses(); }
  int descriptor() const override { return poller_.descriptor(); }
  bool advance() override;

 private:
  struct Member {
    explicit Member(Descriptor connection) : socket(std::move(connection), longest_health_frame) {}
    FramedSocket socket;
    Descriptor process;  // readable when it has ended; empty if it cannot be watched
    ProcessIdentity identity;
    std::optional<Rank> rank;  // unknown until it joins
    // The connection has ended; its process is given so long to end too.
    std::optional<Clock::time_point> closed_until;
  };

  void accept();
  void serve(std::uint64_t id, Member& member);
  void handle(std::uint64_t id, Member& member, const HealthMessage& message);
  bool admit(std::uint64_t id, Member& member, const HealthMessage& message);
  void process_ended(std::uint64_t id);
  void connection_ended(Member& member);
  void dismiss(std::uint64_t id, const std::string& how);
  void remove(std::uint64_t id);
  void send(Rank rank, const HealthMessage& message);
  void wish(std::uint64_t id);
  void expire_closed(Clock::time_point now);

  int world_size_;
  Poller poller_;
  Timer timer_;
  Listener listener_;
  std::map<std::uint64_t, Member> members_;
  std::map<Rank, std::uint64_t> by_rank_;
  std::uint64_t next_id_ = 1;
  HealthHub hub_;
};

}  // namespace motet
