#include "communicator/plan.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "communicator/communicator.hpp"

namespace motet {

// With the engine held.
Plan::Plan(Communicator& communicator, const Arguments& arguments, CachedPlan& cached)
    : communicator_(&communicator), cached_(&cached), arguments_(arguments) {
  if (arguments.details != nullptr) {
    details_ = *arguments.details;
    arguments_.details = &details_;
  }
  // Of nothing, but not from nowhere: short calls copy also 0 bytes.
  if (arguments_.input == nullptr) arguments_.input = &arguments_;
  if (arguments_.output == nullptr) arguments_.output = &arguments_;
  // The caller's may go; those of the key are as many, or none where they are not looked at.
  arguments_.counts = cached.key().counts.data();
  arguments_.received_counts = cached.key().received_counts.data();
  cached.pin();
  communicator.bound_.push_back(this);
}

Plan::~Plan() {
  if (communicator_ == nullptr) return;
  const Engine::Hold hold(communicator_->engine());
  std::erase(communicator_->bound_, this);
  cached_->unpin();
}

void Plan::run() {
  check_ready();
  communicator_->run_planned(*cached_, arguments_);
}

Request& Plan::start() {
  check_ready();
  communicator_->prepare(arguments_);
  const Engine::Hold hold(communicator_->engine());
  auto state = communicator_->begin(*cached_, arguments_);
  is_under_way_ = true;
  if (request_ == nullptr) {
    request_.reset(new Request(*communicator_, std::move(state), this));
  } else {
    request_->begin(std::move(state));
  }
  return *request_;
}

void Plan::check_ready() const {
  if (communicator_ == nullptr || is_under_way_) [[unlikely]]
    refuse();
}

void Plan::refuse() const {
  const char* const why = communicator_ == nullptr
                              ? "its communicator was destroyed"
                              : "it is under way: wait for its request before it goes on";
  throw Error(ErrorCode::invalid_argument,
              fmt::format("plan of {}: {}", name(arguments_.collective), why));
}

}  // namespace motet
