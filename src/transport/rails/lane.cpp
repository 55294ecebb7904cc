#include "transport/rails/lane.hpp"

#include <algorithm>
#include <utility>

namespace motet::rails {
namespace {

// What is still on its way is read meanwhile, and a link that flaps is left alone.
constexpr std::chrono::seconds rest(1);
// Less says more about the latency than about the speed.
constexpr std::uint64_t measurable_bytes = 64 * 1024;
// Of a new measurement in the average.
constexpr double weight = 0.25;

}  // namespace

Lane::Lane(const Rail& rail, Transport::Peer peer)
    : rail_(&rail), peer_(std::move(peer)), endpoint_(rail_->transport->connect(peer_)) {}

void Lane::lose(std::string why, Clock::time_point now) {
  lost_ = away_ = true;
  why_ = std::move(why);
  ++life_;
  again_ = now + rest;
  under_way_ = 0;
  received_ = 0;
}

bool Lane::revive(Clock::time_point now) {
  if (!lost_ || now < again_) return false;
  endpoint_.reset();  // the old one must have gone
  try {
    endpoint_ = rail_->transport->connect(peer_);
    lost_ = false;
  } catch (const Error& error) {  // descriptors have run out, perhaps for a while
    why_ = error.what();
    again_ = now + rest;
  }
  return !lost_;
}

bool Lane::has_come_back() {
  if (!away_ || !is_up()) return false;
  away_ = false;
  return true;
}

void Lane::count_sent(std::size_t bytes, Clock::time_point now) {
  if (under_way_ == 0) advanced_ = now;
  under_way_ += bytes;
}

// What an earlier life brought late says nothing of what is under way now.
void Lane::count_received(std::uint32_t life, std::uint64_t bytes, Clock::time_point now) {
  if (life != life_) return;
  const std::uint64_t more = bytes - std::min(bytes, received_);
  if (more == 0) return;
  received_ = bytes;
  const std::chrono::duration<double> time = now - advanced_;
  if (more >= measurable_bytes && time.count() > 0) {
    const double speed = static_cast<double>(more) / time.count();
    bytes_per_second_ =
        bytes_per_second_ == 0 ? speed : bytes_per_second_ + weight * (speed - bytes_per_second_);
  }
  advanced_ = now;
  under_way_ -= std::min(static_cast<std::size_t>(more), under_way_);
}

double Lane::seconds_for(std::size_t bytes, double usual) const {
  const double speed = bytes_per_second_ == 0 ? usual : bytes_per_second_;
  return static_cast<double>(under_way_ + bytes) / speed;
}

Clock::time_point Lane::stalled_since() const {
  return under_way_ == 0 || lost_ ? Clock::time_point::max() : advanced_;
}

}  // namespace motet::rails
