#include "transport/fault/fault_transport.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/log.hpp"
#include "net/descriptor.hpp"
#include "transport/fault/fault_endpoint.hpp"

namespace motet {
namespace fault {
namespace {

class FaultTransport final : public Transport {
 public:
  FaultTransport(std::unique_ptr<Transport> inner, const FaultPlan& plan)
      : inner_(std::move(inner)), plan_(plan), seeds_(plan.seed) {
    held_ = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!held_) throw system_error("fault: eventfd", errno);
  }

  std::string address() const override { return inner_->address(); }
  bool reaches(std::string_view peer_address) const override {
    return inner_->reaches(peer_address);
  }
  bool shares_memory() const override { return inner_->shares_memory(); }
  void admit(const Credentials& credentials) override { inner_->admit(credentials); }
  void dismiss(const Identity& job) override { inner_->dismiss(job); }
  std::unique_ptr<Endpoint> connect(const Peer& peer) override {
    return std::make_unique<FaultEndpoint>(inner_->connect(peer), plan_, seeds_.next(), endpoints_);
  }
  bool progress() override {
    bool changed = inner_->progress();
    for (FaultEndpoint* endpoint : endpoints_) changed |= endpoint->progress();
    if (sleeping_) ring_if_held();
    return changed;
  }
  std::size_t max_block_bytes() const override { return inner_->max_block_bytes(); }

  void announce_sleep() override {
    inner_->announce_sleep();
    sleeping_ = true;
    ring_if_held();
  }
  void announce_wake() override {
    std::uint64_t rings = 0;
    static_cast<void>(::read(held_.get(), &rings, sizeof rings));
    sleeping_ = false;
    inner_->announce_wake();
  }
  std::vector<int> descriptors() const override {
    std::vector<int> all = inner_->descriptors();
    all.push_back(held_.get());
    return all;
  }

 private:
  // What is held needs calls of progress() and no arrival: nobody may sleep meanwhile.
  void ring_if_held() {
    const bool held = std::any_of(endpoints_.begin(), endpoints_.end(),
                                  [](const FaultEndpoint* e) { return e->holds(); });
    const std::uint64_t one = 1;
    if (held) static_cast<void>(::write(held_.get(), &one, sizeof one));
  }

  std::unique_ptr<Transport> inner_;
  FaultPlan plan_;
  Random seeds_;     // one for each endpoint, in the order of connect()
  Descriptor held_;  // readable while something is held and the caller means to sleep
  bool sleeping_ = false;
  Endpoints endpoints_;
};

}  // namespace
}  // namespace fault

std::unique_ptr<Transport> inject_faults(std::unique_ptr<Transport> inner, const FaultPlan& plan,
                                         const std::string& name) {
  log(LogLevel::warning, fmt::format("{} event=faults plan={}", rank_field(name), to_text(plan)));
  return std::make_unique<fault::FaultTransport>(std::move(inner), plan);
}

}  // namespace motet
