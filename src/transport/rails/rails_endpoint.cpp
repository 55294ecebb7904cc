#include "transport/rails/rails_endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "net/socket.hpp"

namespace motet::rails {
namespace {

using std::chrono::milliseconds;

// Smaller blocks gain nothing by a second rail: they stay on the first, which keeps their order.
constexpr std::size_t large_bytes = 16 * 1024;
// Of a rail that has not been measured, if none has.
constexpr double guessed_bytes_per_second = 1e9;
// Silence on a rail after which the peer is asked, by the others too.
constexpr milliseconds unusual(250);
// Then it is asked again: the question may have gone by the rail that is silent.
constexpr milliseconds longest_answer(1000);
constexpr milliseconds between_looks(50);
// Of the lanes of an endpoint that has failed.
constexpr milliseconds lasting(1000);

}  // namespace

class RailsEndpoint::AsideBlock final : public Aside {
 public:
  explicit AsideBlock(Block block) : block_(std::move(block)) {}
  const Arrival& arrival() const override { return block_.arrival; }

 private:
  Block block_;
};

RailsEndpoint::RailsEndpoint(std::vector<Lane> lanes, Names names,
                             std::shared_ptr<flow::BufferPool> pool, Endpoints& endpoints)
    : endpoints_(endpoints),
      lanes_(std::move(lanes)),
      names_(std::move(names)),
      pool_(std::move(pool)),
      retained_(pool_) {
  MOTET_ASSERT(!lanes_.empty() && lanes_.size() <= most_rails, "as many lanes as a report has");
  endpoints_.push_back(this);
}

RailsEndpoint::~RailsEndpoint() {
  std::erase(endpoints_, this);
}

const std::string& RailsEndpoint::failure() const {
  if (state_ == State::connecting) failure_ = reasons();
  return failure_;
}

std::string RailsEndpoint::reasons() const {
  std::vector<std::string> reasons;
  for (const Lane& lane : lanes_) {
    // What a rail that is being dialled again has nothing to say about was lost for a reason.
    const bool speaks = !lane.is_lost() && !lane.endpoint().failure().empty();
    const std::string& why = speaks ? lane.endpoint().failure() : lane.why();
    if (!why.empty()) reasons.push_back(fmt::format("{}: {}", lane.name(), why));
  }
  return fmt::format("{}", fmt::join(reasons, "; "));
}

std::string RailsEndpoint::route() const {
  std::vector<std::string> routes;
  for (const Lane& lane : lanes_) {
    if (!lane.is_up()) continue;
    const auto* const routed = dynamic_cast<const Routed*>(&lane.endpoint());
    routes.push_back(fmt::format("{} {}", lane.name(), routed == nullptr ? "" : routed->route()));
  }
  return fmt::format("{}", fmt::join(routes, ", "));
}

bool RailsEndpoint::send(const Header& header, const void* data) {
  if (state_ == State::failed) return true;
  if (state_ == State::connecting) return false;
  const bool held_up = std::ranges::any_of(
      drafts_, [&](const Packet& draft) { return draft.header.stream == header.stream; });
  if (held_up) return false;
  Packet packet = pack(header, data, *pool_);
  packet.label().number = retained_.next_number();
  if (launch(packet)) {
    retained_.keep(std::move(packet));
  } else {
    drafts_.push_back(std::move(packet));
  }
  return true;
}

void RailsEndpoint::pop() {
  MOTET_ASSERT(!blocks_.empty(), "only a block that has arrived can be taken");
  blocks_.pop_front();
}

std::unique_ptr<Aside> RailsEndpoint::set_aside() {
  MOTET_ASSERT(!blocks_.empty(), "only a block that has arrived can be taken");
  auto aside = std::make_unique<AsideBlock>(std::move(blocks_.front()));
  blocks_.pop_front();
  return aside;
}

// A rail that dies silently after this is noticed by the next call.
bool RailsEndpoint::flushed() const {
  if (state_ != State::ready) return true;
  return drafts_.empty() && retained_.none_waits() &&
         std::ranges::all_of(
             lanes_, [](const Lane& lane) { return !lane.is_up() || lane.endpoint().flushed(); });
}

// The fastest is the measure of those that have carried nothing yet: they get their chance.
double RailsEndpoint::usual_speed() const {
  double fastest = 0;
  for (const Lane& lane : lanes_) fastest = std::max(fastest, lane.bytes_per_second());
  return fastest == 0 ? guessed_bytes_per_second : fastest;
}

std::size_t RailsEndpoint::best_lane(std::size_t bytes, std::uint32_t tried) const {
  const double usual = usual_speed();
  std::size_t best = no_lane;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    if (!lanes_[i].is_up() || (tried >> i & 1U) != 0) continue;
    const bool better =
        best == no_lane || (bytes >= large_bytes && lanes_[i].seconds_for(bytes, usual) <
                                                        lanes_[best].seconds_for(bytes, usual));
    if (better) best = i;
  }
  return best;
}

// By the best lane that has room.
bool RailsEndpoint::launch(Packet& packet) {
  std::uint32_t tried = 0;
  while (true) {
    const std::size_t lane = best_lane(packet.header.bytes, tried);
    if (lane == no_lane) return false;
    if (lanes_[lane].endpoint().send(packet.header, packet.memory.get())) {
      packet.lane = lane;
      lanes_[lane].count_sent(packet.header.bytes, Clock::now());
      return true;
    }
    tried |= 1U << lane;
  }
}

bool RailsEndpoint::launch_what_waits() {
  bool gone = retained_.send_again([&](Packet& packet) {
    packet.header.stream = stream_again(packet.number());
    return launch(packet);
  });
  for (auto draft = drafts_.begin(); draft != drafts_.end();) {
    draft->label().number = retained_.next_number();
    if (launch(*draft)) {
      retained_.keep(std::move(*draft));
      draft = drafts_.erase(draft);
      gone = true;
    } else {
      ++draft;
    }
  }
  return gone;
}

bool RailsEndpoint::progress() {
  const auto now = Clock::now();
  bool moved = watch_lanes(now);
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) moved |= drain(lane);
  // Time enough for what had come; then the peer is to see the end too.
  if (state_ == State::failed && now >= next_look_) lanes_.clear();
  if (state_ == State::ready) {
    moved |= launch_what_waits();
    moved |= tell_what_is_owed();
    if (now >= next_look_) look_after(now);
  }
  return moved;
}

Clock::time_point RailsEndpoint::next_look() const {
  const bool idle = state_ == State::connecting || lanes_.empty();
  return idle ? Clock::time_point::max() : next_look_;
}

bool RailsEndpoint::watch_lanes(Clock::time_point now) {
  if (state_ == State::failed) return false;
  const State before = state_;
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
    if (lanes_[lane].has_failed()) lose(lane, lanes_[lane].endpoint().failure(), now);
    if (lanes_[lane].is_up() && state_ == State::connecting) state_ = State::ready;
    if (lanes_[lane].has_come_back()) {
      log(LogLevel::info, fmt::format("{} event=rail-back rail={} peer=\"{}\"",
                                      rank_field(names_.me), lanes_[lane].name(), names_.peer));
    }
  }
  return state_ != before;
}

void RailsEndpoint::lose(std::size_t lane, const std::string& why, Clock::time_point now) {
  owed_drops_.push_back({lane, lanes_[lane].life()});
  lanes_[lane].lose(why, now);
  received_.bytes[lane] = 0;
  retained_.take_from(lane);
  const auto is_left = [&](const Lane& other) {
    return state_ == State::connecting ? !other.is_lost() : other.is_up();
  };
  if (std::ranges::none_of(lanes_, is_left)) be_without(now);
}

// Where all are lost at once it is the peer that has ended. But while one has been dialled for some
// time the network is in trouble, and may be repaired.
void RailsEndpoint::be_without(Clock::time_point now) {
  const bool dialled =
      std::ranges::any_of(lanes_, [](const Lane& lane) { return lane.is_dialled(); });
  if (!dialled && !without_until_) return fail(reasons(), now);
  if (!without_until_) without_until_ = now + longest_silence;
}

bool RailsEndpoint::has_waited_in_vain(Clock::time_point now) {
  const bool any = std::ranges::any_of(lanes_, [](const Lane& lane) { return lane.is_up(); });
  if (any) without_until_.reset();
  return without_until_ && *without_until_ <= now;
}

void RailsEndpoint::fail(std::string why, Clock::time_point now) {
  if (state_ == State::failed) return;
  failure_ = std::move(why);
  state_ = State::failed;
  next_look_ = now + lasting;
}

// What time alone brings about: rails that come back, and rails on which nothing arrives.
void RailsEndpoint::look_after(Clock::time_point now) {
  if (has_waited_in_vain(now)) return fail(reasons(), now);
  next_look_ = now + between_looks;
  bool silence = false;
  for (Lane& lane : lanes_) {
    if (lane.revive(now)) {
      log(LogLevel::warning,
          fmt::format("{} event=rail-lost rail={} peer=\"{}\" why=\"{}\" "
                      "hint=\"the others carry its blocks; it is tried again\"",
                      rank_field(names_.me), lane.name(), names_.peer, lane.why()));
    }
    silence |= lane.stalled_since() < now - unusual;
  }
  const bool awaited = asked_ != answered_ && now - asked_at_ < longest_answer;
  if (!silence || awaited || now - asked_at_ < unusual) return;
  ++asked_;
  asked_at_ = now;
  for (std::size_t i = 0; i < lanes_.size(); ++i) owes_ask_[i] = lanes_[i].is_up();
}

}  // namespace motet::rails
