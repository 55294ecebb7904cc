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
#include "bootstrap/health_lines.hpp"
#include "bootstrap/health_thread.hpp"
#include "net/framed_socket.hpp"
#include "net/handshake.hpp"

namespace motet {

class HubServer final : public HealthTask {
 public:
  // For the job of rank 0, which `me` is. Throws as listen_on_tcp() does.
  HubServer(const Credentials& credentials, const Health::Member& me);

  std::vector<Address> addresses() const { return listener_.addresses(); }
  // Those of one interface, which must have some.
  std::vector<Address> addresses_of(const std::string& interface) const;
  int descriptor() const override { return poller_.descriptor(); }
  bool advance() override;

 private:
  // A connection whose first words have not come.
  struct Newcomer {
    FramedSocket socket;
    Identity engine;
  };
  struct Member {
    HealthLines lines;
    Identity engine;
    ProcessIdentity identity;
    Descriptor process;  // readable when it has ended; empty if it cannot be watched
    std::optional<std::string> ended{};  // its process, and how
    // Its process or its connections have ended; the other is given so long to end too.
    std::optional<Clock::time_point> ends_by{};
  };

  void accept();
  void hear(std::uint64_t id);
  void admit(Newcomer newcomer, const HealthMessage& words);
  void join(Newcomer newcomer, const HealthMessage& words);
  void serve(Rank rank);
  void process_ended(Rank rank);
  void connections_ended(Member& member);
  void dismiss(Rank rank, const std::string& how);
  void remove(Rank rank);
  void send(Rank rank, const HealthMessage& message);
  void dismiss_ended(Clock::time_point now);

  int world_size_;
  Poller poller_;
  Timer timer_;
  Listener listener_;
  std::map<std::uint64_t, Newcomer> newcomers_;
  std::uint64_t next_newcomer_ = 0;
  std::map<Rank, Member> members_;
  HealthHub hub_;
};

}  // namespace motet
