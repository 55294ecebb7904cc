// One of the paths to a peer: an endpoint of one rail, made anew when it is lost.
#pragma once

#include <memory>
#include <string>

#include "base/deadline.hpp"
#include "transport/transport.hpp"

namespace motet::rails {

// A NIC and the transport that uses it alone.
struct Rail {
  std::string name;  // "eth0"
  std::unique_ptr<Transport> transport;
};

class Lane {
 public:
  // Starts connecting. `peer` has the address of this rail; the rail must outlive it.
  Lane(const Rail& rail, Transport::Peer peer);

  const std::string& name() const { return rail_->name; }
  Endpoint& endpoint() { return *endpoint_; }
  const Endpoint& endpoint() const { return *endpoint_; }
  bool has_endpoint() const { return endpoint_ != nullptr; }
  bool is_up() const { return !lost_ && endpoint_->state() == Endpoint::State::ready; }
  bool is_lost() const { return lost_; }
  bool is_dialled() const { return !lost_ && endpoint_->state() == Endpoint::State::connecting; }
  bool has_failed() const { return !lost_ && endpoint_->state() == Endpoint::State::failed; }
  // How often it has been lost. Both ends count alike.
  std::uint32_t life() const { return life_; }
  void begin_life(std::uint32_t life) { life_ = life; }
  const std::string& why() const { return why_; }

  // What has come by it can still be read; nothing more is to be sent.
  void lose(std::string why, Clock::time_point now);
  // Connects again if it is lost and it is time. True if it began to.
  bool revive(Clock::time_point now);
  // Once after each loss: that it is up again.
  bool has_come_back();

  // Counts what is under way, so that blocks take the rail which is done with them first.
  void count_sent(std::size_t bytes, Clock::time_point now);
  // The peer has received so many bytes in that life of it.
  void count_received(std::uint32_t life, std::uint64_t bytes, Clock::time_point now);
  // When a block of so many bytes would have arrived, in seconds; `usual`: the speed of a lane that
  // has not been measured.
  double seconds_for(std::size_t bytes, double usual) const;
  double bytes_per_second() const { return bytes_per_second_; }  // 0: not measured
  // Since when something is under way and nothing has arrived; max(): it is not so.
  Clock::time_point stalled_since() const;

 private:
  const Rail* rail_;
  Transport::Peer peer_;
  std::unique_ptr<Endpoint> endpoint_;
  bool lost_ = false;
  bool away_ = false;  // lost, and not up since
  std::uint32_t life_ = 0;
  std::string why_;
  Clock::time_point again_{};

  std::size_t under_way_ = 0;
  std::uint64_t received_ = 0;    // by the peer, as it last said
  Clock::time_point advanced_{};  // when it last said so, or when something was sent after nothing
  double bytes_per_second_ = 0;
};

}  // namespace motet::rails
