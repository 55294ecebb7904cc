// One end of a pair of engines that several rails join: large blocks take the rail that is done
// with them first, what was under way on a rail that is lost goes again by the others, and the peer
// puts everything in order.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "transport/rails/lane.hpp"
#include "transport/rails/packet.hpp"
#include "transport/rails/retained.hpp"
#include "transport/transport.hpp"

namespace motet::rails {

class RailsEndpoint final : public Endpoint, public Routed {
 public:
  struct Names {
    std::string me, peer;  // for messages: "rank 3"
    Identity job;
  };
  using Endpoints = std::vector<RailsEndpoint*>;
  // At least one lane. Lives in `endpoints` until it is destroyed.
  RailsEndpoint(std::vector<Lane> lanes, Names names, std::shared_ptr<flow::BufferPool> pool,
                Endpoints& endpoints);
  ~RailsEndpoint() override;
  RailsEndpoint(const RailsEndpoint&) = delete;
  RailsEndpoint& operator=(const RailsEndpoint&) = delete;

  State state() const override { return state_; }
  const std::string& failure() const override;
  bool send(const Header& header, const void* data) override;
  const Arrival* front() override { return blocks_.empty() ? nullptr : &blocks_.front().arrival; }
  void pop() override;
  std::unique_ptr<Aside> set_aside() override;
  bool flushed() const override;
  std::string route() const override;
  const Identity& job() const { return names_.job; }

  // True if anything changed.
  bool progress();
  // When progress() should be called although nothing arrives; max(): never.
  Clock::time_point next_look() const;

 private:
  struct Block {
    Arrival arrival;
    std::unique_ptr<Aside> memory;
  };
  class AsideBlock;

  bool watch_lanes(Clock::time_point now);
  void lose(std::size_t lane, const std::string& why, Clock::time_point now);
  void be_without(Clock::time_point now);
  bool has_waited_in_vain(Clock::time_point now);
  void fail(std::string why, Clock::time_point now);
  std::string reasons() const;
  void look_after(Clock::time_point now);
  std::size_t best_lane(std::size_t bytes, std::uint32_t tried) const;
  double usual_speed() const;
  bool launch(Packet& packet);
  bool launch_what_waits();

  bool drain(std::size_t lane);
  bool take(std::size_t lane);
  bool put_in_order();
  void handle(std::size_t lane, const Label& label, const Arrival& arrival);
  // `by`: the lane that brought it.
  void handle_report(std::size_t by, const Report& report);
  bool tell(std::size_t lane, Kind kind, std::uint32_t life, std::uint64_t number);
  bool tell_what_is_owed();
  bool report();

  Endpoints& endpoints_;
  std::vector<Lane> lanes_;
  const Names names_;
  std::shared_ptr<flow::BufferPool> pool_;
  State state_ = State::connecting;
  mutable std::string failure_;

  Retained retained_;
  std::vector<Packet> drafts_;  // no lane had room; at most one of each stream
  Clock::time_point next_look_{};
  // No lane is up: so long one that is being dialled is waited for.
  std::optional<Clock::time_point> without_until_;
  std::uint64_t asked_ = 0;  // counts
  Clock::time_point asked_at_{};
  std::uint64_t answered_ = 0;  // the latest ask that was
  std::array<bool, most_rails> owes_ask_{};
  struct Drop {
    std::size_t lane;
    std::uint32_t life;
  };
  std::vector<Drop> owed_drops_;

  std::uint64_t next_ = 0;                                   // number of the next block to hand out
  std::map<std::uint64_t, std::unique_ptr<Aside>> waiting_;  // have overtaken others
  std::deque<Block> blocks_;
  Report received_;
  std::size_t report_lane_ = 0;  // by which the next goes
  std::size_t unreported_bytes_ = 0, unreported_blocks_ = 0;
  bool owes_report_ = false;
};

}  // namespace motet::rails
