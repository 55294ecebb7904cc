// Links that carry all their messages at once, max-min fair: rates rise together until a link on
// the way is full (progressive filling), for each set of messages that share links apart. What
// begins and ends within a nanosecond is settled together.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "simulate/events.hpp"
#include "simulate/links.hpp"

namespace motet {

class FairLinks {
 public:
  static constexpr bool queues = false;

  FairLinks(const Ports& ports, const Workload& work, const TieBreaker& ties, EventQueue& events);

  // A block of a message comes to its links.
  void start(std::uint32_t message, double bytes, double now);
  // The subject of a `flowed`. Rates have changed since if it comes to nothing.
  void end(std::uint32_t flow, double now);
  const LinkMeter& meter() const { return meter_; }

  // Whether rates must be known before the next event.
  bool must_settle() const {
    return !changed_.empty() &&
           (events_.empty() || events_.next_time() > changed_since_ + together);
  }
  void settle();

 private:
  static constexpr double together = 1e-9;  // seconds

  struct Flow {
    std::uint32_t message = 0;
    bool active = false;
    double remaining = 0;         // bytes, at `since`
    double rate = 0;              // bytes per second
    double since = 0, until = 0;  // seconds
  };
  struct Member {
    std::uint32_t flow, hop;
  };
  struct PortState {
    std::vector<Member> members;
    double room = 0, load = 0;  // while rates are being found: what is free, and asked for by those
    std::uint32_t open = 0;     // whose rate is open
    std::uint32_t visit = 0;
    bool changed = false;
  };
  // A flow's part at one link of its way.
  struct Part {
    double weight = 0;        // seconds of the link for a byte
    std::uint32_t place = 0;  // among the link's members
  };

  std::uint32_t new_flow();
  Part& part(std::uint32_t flow, std::uint32_t hop) { return parts_[flow * most_hops_ + hop]; }
  std::span<const std::uint32_t> route_of(std::uint32_t flow) const {
    const WorkMessage& message = work_.messages[flows_[flow].message];
    return work_.route_of(work_.streams[message.stream]);
  }
  void mark(std::uint32_t port, double now);
  void leave(std::uint32_t flow, double now);
  void gather(std::uint32_t port);
  void fill();
  double fullest() const;
  void fix(std::uint32_t flow, double rate);
  void apply(std::uint32_t flow);

  const Ports& ports_;
  const Workload& work_;
  EventQueue& events_;
  LinkMeter meter_;
  std::size_t most_hops_ = 1;
  std::vector<PortState> states_;  // by port
  std::vector<Flow> flows_;        // a pool
  std::vector<Part> parts_;        // of each flow, most_hops_
  std::vector<std::uint32_t> unused_;
  std::vector<std::uint32_t> changed_;  // ports where something began or ended
  double changed_since_ = 0, now_ = 0;
  std::uint32_t visit_ = 0;
  std::vector<std::uint32_t> visited_;  // by flow
  std::vector<double> found_;           // by flow: the rate being found; negative: open
  std::vector<std::uint32_t> component_ports_, component_flows_, full_;
};

}  // namespace motet
