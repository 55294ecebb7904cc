#include "communicator/completion.hpp"

namespace motet {

void Completion::over(Outcome outcome) noexcept {
  if (operation_ != nullptr) {
    const Engine::Hold hold(engine_);
    // What has failed may hold memory that peers were to reach: it goes while nobody drives.
    if (outcome == Outcome::done) {
      plan_->give_back(std::move(operation_));
    } else {
      operation_.reset();
    }
  }
  if (outcome == Outcome::done) return on_done_(nullptr);
  const Error error = explain_(record_);
  on_done_(&error);
}

}  // namespace motet
