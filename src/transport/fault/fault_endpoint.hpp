// An endpoint whose arrivals are held and shuffled.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "transport/fault/fault_plan.hpp"
#include "transport/fault/random.hpp"
#include "transport/transport.hpp"

namespace motet::fault {

class FaultEndpoint;

// The endpoints of one transport; each enters when made and leaves when destroyed.
using Endpoints = std::vector<FaultEndpoint*>;

class FaultEndpoint final : public Endpoint {
 public:
  FaultEndpoint(std::unique_ptr<Endpoint> inner, const FaultPlan& plan, std::uint64_t seed,
                Endpoints& endpoints);
  ~FaultEndpoint() override;
  FaultEndpoint(const FaultEndpoint&) = delete;
  FaultEndpoint& operator=(const FaultEndpoint&) = delete;

  State state() const override;
  const std::string& failure() const override;
  bool send(const Header& header, const void* data) override;
  const Arrival* front() override;
  void pop() override;
  std::unique_ptr<Aside> set_aside() override;
  bool flushed() const override { return inner_ == nullptr || inner_->flushed(); }

  // Takes what has arrived at the inner endpoint and counts the held ones down. True if there is a
  // new front, or if what was refused may be tried again.
  bool progress();
  // Whether progress() will bring something without any arrival.
  bool holds() const { return !held_.empty() || refused_; }

 private:
  struct Held {
    std::unique_ptr<Aside> block;
    std::uint32_t calls_left;  // of progress()
  };
  void take_arrivals();
  std::size_t place_for(std::uint32_t stream);
  void count_operation();

  std::unique_ptr<Endpoint> inner_;  // null once killed
  FaultPlan plan_;
  Random random_;
  Endpoints& endpoints_;
  std::deque<Held> held_;  // the front is handed out when its calls are over
  std::uint64_t operations_ = 0;
  bool refused_ = false;  // send() lied since the last progress()
  std::string failure_;
};

}  // namespace motet::fault
