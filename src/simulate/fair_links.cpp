#include "simulate/fair_links.hpp"

#include <algorithm>
#include <limits>

namespace motet {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

FairLinks::FairLinks(const Ports& ports, const Workload& work, const TieBreaker&,
                     EventQueue& events)
    : ports_(ports),
      work_(work),
      events_(events),
      meter_(ports.size(), ports.fabric().topology().tiers().size()),
      states_(ports.size()) {
  for (const MessageStream& stream : work.streams) {
    most_hops_ = std::max<std::size_t>(most_hops_, stream.hops);
  }
}

std::uint32_t FairLinks::new_flow() {
  if (!unused_.empty()) {
    const std::uint32_t flow = unused_.back();
    unused_.pop_back();
    return flow;
  }
  flows_.emplace_back();
  visited_.push_back(0);
  found_.push_back(0);
  parts_.resize(flows_.size() * most_hops_);
  return static_cast<std::uint32_t>(flows_.size() - 1);
}

void FairLinks::mark(std::uint32_t port, double now) {
  now_ = std::max(now_, now);
  if (states_[port].changed) return;
  states_[port].changed = true;
  if (changed_.empty()) changed_since_ = now;
  changed_.push_back(port);
}

void FairLinks::start(std::uint32_t message, double bytes, double now) {
  const std::uint32_t flow = new_flow();
  const double amount = std::max(bytes, 1.0);  // an empty message may still take time
  flows_[flow] = {
      .message = message, .active = true, .remaining = amount, .since = now, .until = -1};
  const std::span<const std::uint32_t> route = route_of(flow);
  double slowest = 0;
  for (std::uint32_t hop = 0; hop < route.size(); ++hop) {
    const std::uint32_t port = route[hop];
    const double busy = ports_[port].occupied(bytes);
    slowest = std::max(slowest, busy);
    PortState& state = states_[port];
    part(flow, hop) = {busy / amount, static_cast<std::uint32_t>(state.members.size())};
    state.members.push_back({flow, hop});
    meter_.add_busy(port, busy);
    meter_.begin(ports_[port].tier, now);
    mark(port, now);
  }
  const MessageStream& stream = work_.streams[work_.messages[message].stream];
  meter_.carry(stream.tier, bytes);
  if (slowest > 0) return;
  flows_[flow].until = now;  // no link has anything to do
  end(flow, now);
}

void FairLinks::end(std::uint32_t flow, double now) {
  if (!flows_[flow].active || flows_[flow].until != now) return;
  leave(flow, now);
  flows_[flow].active = false;
  unused_.push_back(flow);
  const std::uint32_t number = flows_[flow].message;
  const WorkMessage& message = work_.messages[number];
  const double arrival = now + work_.streams[message.stream].latency;
  events_.push({now, rank_key(message.send, EventKind::taken), number, EventKind::taken});
  events_.push({arrival, rank_key(message.recv, EventKind::arrived), number, EventKind::arrived});
}

void FairLinks::leave(std::uint32_t flow, double now) {
  const std::span<const std::uint32_t> route = route_of(flow);
  for (std::uint32_t hop = 0; hop < route.size(); ++hop) {
    std::vector<Member>& members = states_[route[hop]].members;
    const std::uint32_t place = part(flow, hop).place;
    members[place] = members.back();
    part(members[place].flow, members[place].hop).place = place;
    members.pop_back();
    meter_.end(ports_[route[hop]].tier, now);
    if (!members.empty()) mark(route[hop], now);
  }
}

void FairLinks::settle() {
  ++visit_;
  for (const std::uint32_t port : changed_) states_[port].changed = false;
  for (const std::uint32_t port : changed_) {
    if (states_[port].visit == visit_) continue;
    gather(port);
    fill();
    for (const std::uint32_t flow : component_flows_) apply(flow);
  }
  changed_.clear();
}

// The links that are joined to this one by flows, and those flows.
void FairLinks::gather(std::uint32_t first) {
  component_ports_.assign(1, first);
  component_flows_.clear();
  states_[first].visit = visit_;
  for (std::size_t next = 0; next < component_ports_.size(); ++next) {
    PortState& state = states_[component_ports_[next]];
    state.room = 1;
    state.load = 0;
    state.open = static_cast<std::uint32_t>(state.members.size());
    for (const Member& member : state.members) {
      state.load += part(member.flow, member.hop).weight;
      if (visited_[member.flow] == visit_) continue;
      visited_[member.flow] = visit_;
      found_[member.flow] = -1;
      component_flows_.push_back(member.flow);
      for (const std::uint32_t port : route_of(member.flow)) {
        if (states_[port].visit == visit_) continue;
        states_[port].visit = visit_;
        component_ports_.push_back(port);
      }
    }
  }
}

// How far the rates whose links have room can rise together.
double FairLinks::fullest() const {
  double rate = infinity;
  for (const std::uint32_t port : component_ports_) {
    const PortState& state = states_[port];
    if (state.open > 0 && state.load > 0) rate = std::min(rate, state.room / state.load);
  }
  return rate;
}

void FairLinks::fill() {
  constexpr double same = 1 + 1e-12;  // what differs by rounding only is full at once
  std::size_t open = component_flows_.size();
  double level = 0;
  while (open > 0) {
    const double next = fullest();
    const bool is_left_by_rounding = next == infinity;
    if (!is_left_by_rounding) level = std::max(level, next);
    full_.clear();
    for (const std::uint32_t port : component_ports_) {
      const PortState& state = states_[port];
      if (state.open == 0) continue;
      if (is_left_by_rounding || state.room <= level * same * state.load) full_.push_back(port);
    }
    for (const std::uint32_t port : full_) {
      for (const Member& member : states_[port].members) {
        if (found_[member.flow] >= 0) continue;
        fix(member.flow, level);
        --open;
      }
    }
  }
}

void FairLinks::fix(std::uint32_t flow, double rate) {
  found_[flow] = rate;
  const std::span<const std::uint32_t> route = route_of(flow);
  for (std::uint32_t hop = 0; hop < route.size(); ++hop) {
    PortState& state = states_[route[hop]];
    const double weight = part(flow, hop).weight;
    state.room = std::max(0.0, state.room - rate * weight);
    state.load -= weight;
    --state.open;
  }
}

void FairLinks::apply(std::uint32_t number) {
  Flow& flow = flows_[number];
  const double rate = found_[number];
  if (rate == flow.rate) return;
  if (flow.rate > 0) {
    flow.remaining = std::max(0.0, flow.remaining - flow.rate * (now_ - flow.since));
    flow.since = now_;
  }
  flow.rate = rate;
  flow.until = flow.since + flow.remaining / rate;
  events_.push({flow.until, rank_key(work_.messages[flow.message].send, EventKind::flowed), number,
                EventKind::flowed});
}

}  // namespace motet
