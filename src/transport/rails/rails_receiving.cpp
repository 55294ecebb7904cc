// The receiving half of a RailsEndpoint, and what the two ends tell each other.
#include <algorithm>
#include <cstring>
#include <utility>

#include "transport/rails/rails_endpoint.hpp"

namespace motet::rails {
namespace {

// The peer can forget what it keeps, and see how fast the rails are, this often.
constexpr std::size_t report_bytes = 256 * 1024, report_blocks = 32;
// An answer by another rail proves that it is the rail which is silent for so long, not the peer.
constexpr std::chrono::seconds hopeless(1);

}  // namespace

// Also what a lost lane has still brought.
bool RailsEndpoint::drain(std::size_t lane) {
  bool moved = false;
  while (lanes_[lane].has_endpoint() && lanes_[lane].endpoint().front() != nullptr) {
    moved |= take(lane);
  }
  return moved && put_in_order();
}

// True if it was a block that had not come before.
bool RailsEndpoint::take(std::size_t lane) {
  Endpoint& endpoint = lanes_[lane].endpoint();
  const Arrival& arrival = *endpoint.front();
  if (arrival.header.bytes < sizeof(Label)) {
    endpoint.pop();
    return false;
  }
  Label label;
  std::memcpy(&label, arrival.data, sizeof label);
  if (label.kind != Kind::block) {
    handle(lane, label, arrival);
    endpoint.pop();
    return false;
  }
  if (!lanes_[lane].is_lost()) received_.bytes[lane] += arrival.header.bytes;
  if (label.header.bytes != arrival.header.bytes - sizeof label) {
    endpoint.pop();
    fail("the peer sent a block whose label makes no sense", Clock::now());
    return false;
  }
  unreported_bytes_ += arrival.header.bytes;
  owes_report_ |= unreported_bytes_ >= report_bytes || ++unreported_blocks_ >= report_blocks;
  if (label.number < next_ || waiting_.contains(label.number)) {
    endpoint.pop();  // it was sent again
    return false;
  }
  waiting_.emplace(label.number, endpoint.set_aside());
  return true;
}

bool RailsEndpoint::put_in_order() {
  bool any = false;
  while (auto next = waiting_.extract(next_)) {
    const Arrival& arrival = next.mapped()->arrival();
    Label label;
    std::memcpy(&label, arrival.data, sizeof label);
    blocks_.push_back({{label.header, arrival.data + sizeof label}, std::move(next.mapped())});
    ++next_;
    any = true;
  }
  return any;
}

void RailsEndpoint::handle(std::size_t lane, const Label& label, const Arrival& arrival) {
  switch (label.kind) {
    case Kind::report: {
      Report report;
      if (arrival.header.bytes != sizeof label + sizeof report) return;
      std::memcpy(&report, arrival.data + sizeof label, sizeof report);
      return handle_report(lane, report);
    }
    case Kind::ask:
      received_.answers = std::max(received_.answers, label.number);
      report_lane_ = lane;
      owes_report_ = true;
      return;
    case Kind::drop:
      if (label.number >= lanes_.size() || label.life < lanes_[label.number].life()) return;
      if (!lanes_[label.number].is_lost()) {
        lose(label.number, "the peer has lost it", Clock::now());
      }
      return lanes_[label.number].begin_life(label.life + 1);
    case Kind::block:
      break;
  }
}

void RailsEndpoint::handle_report(std::size_t by, const Report& report) {
  const auto now = Clock::now();
  retained_.release_below(report.next);
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
    lanes_[lane].count_received(report.lives[lane], report.bytes[lane], now);
  }
  if (report.answers != asked_ || asked_ == 0) return;
  answered_ = asked_;
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
    const bool silent = lane != by && lanes_[lane].stalled_since() < asked_at_ - hopeless;
    if (silent && lanes_[lane].is_up()) lose(lane, "nothing has arrived by it for 1 s", now);
  }
}

bool RailsEndpoint::tell(std::size_t lane, Kind kind, std::uint32_t life, std::uint64_t number) {
  const Label label{.header = {}, .kind = kind, .life = life, .number = number};
  const Header header{.bytes = sizeof label, .stream = control_stream};
  return lanes_[lane].is_up() && lanes_[lane].endpoint().send(header, &label);
}

bool RailsEndpoint::report() {
  struct {
    Label label;
    Report report;
  } message{{.header = {}, .kind = Kind::report}, received_};
  static_assert(offsetof(decltype(message), report) == sizeof(Label));
  message.report.next = next_;
  for (std::size_t i = 0; i < lanes_.size(); ++i) message.report.lives[i] = lanes_[i].life();
  const Header header{.bytes = sizeof(Label) + sizeof(Report), .stream = control_stream};
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const std::size_t lane = (report_lane_ + i) % lanes_.size();
    if (!lanes_[lane].is_up() || !lanes_[lane].endpoint().send(header, &message)) continue;
    report_lane_ = (lane + 1) % lanes_.size();
    owes_report_ = false;
    unreported_bytes_ = unreported_blocks_ = 0;
    return true;
  }
  return false;
}

bool RailsEndpoint::tell_what_is_owed() {
  bool told = false;
  if (owes_report_) told |= report();
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
    if (!owes_ask_[lane] || !tell(lane, Kind::ask, 0, asked_)) continue;
    owes_ask_[lane] = false;
    told = true;
  }
  while (!owed_drops_.empty()) {
    const auto [lost, life] = owed_drops_.back();
    bool sent = false;
    for (std::size_t lane = 0; lane < lanes_.size() && !sent; ++lane) {
      sent = tell(lane, Kind::drop, life, lost);
    }
    if (!sent) break;
    owed_drops_.pop_back();
    told = true;
  }
  return told;
}

}  // namespace motet::rails
