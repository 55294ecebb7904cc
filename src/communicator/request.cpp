#include <algorithm>

#include "communicator/communicator.hpp"

namespace motet {

// With the engine held.
Request::Request(Communicator& communicator, State state, Plan* plan)
    : communicator_(&communicator), plan_(plan) {
  begin(std::move(state));
}

// With the engine held.
void Request::begin(State state) {
  state_ = std::move(state);
  communicator_->requests_.push_back(this);
}

void Request::note_over() {
  if (plan_ != nullptr) plan_->is_under_way_ = false;
}

Request::~Request() {
  if (communicator_ == nullptr || state_.call.operation == nullptr) return;
  const Engine::Hold hold(communicator_->engine());
  std::erase(communicator_->requests_, this);
  state_.call.plan->abandon();
  communicator_->context_.adopt(std::move(state_.call.operation));
}

void Request::wait(const Engine::Company& company) {
  if (communicator_ != nullptr && state_.call.operation != nullptr) {
    communicator_->engine().wait(communicator_->context_, *state_.call.operation, state_.patience,
                                 company);
  }
  test();
}

bool Request::test() {
  if (communicator_ == nullptr) {
    note_over();
    throw Error(ErrorCode::aborted, lost_ + ": the communicator was destroyed before it was done");
  }
  if (state_.call.operation == nullptr) return true;  // seen before
  Communicator& communicator = *communicator_;
  for (const auto& engine : engines_of_this_thread()) engine->progress();
  if (!communicator.engine().advance(communicator.context_, *state_.call.operation,
                                     state_.patience)) {
    return false;
  }
  {
    const Engine::Hold hold(communicator.engine());
    std::erase(communicator.requests_, this);
  }
  note_over();
  Started over = std::move(state_.call);
  communicator.end(over);
  return true;
}

// With the engine held.
void Request::orphan() {
  lost_ = to_text(state_.call.record());
  state_.call.operation.reset();
  communicator_ = nullptr;
}

}  // namespace motet
