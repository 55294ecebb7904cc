// Tells the caller of a started call that it is over.
#pragma once

#include <functional>

#include "base/error.hpp"
#include "communicator/plan_cache.hpp"
#include "execute/engine.hpp"
#include "execute/follower.hpp"

namespace motet {

// error null: the call is done. Called once, by any thread, and must not call Motet.
using OnDone = std::function<void(const Error* error)>;

class Completion final : public Follower {
 public:
  // Why a call of the communicator has failed, for people.
  using Explain = std::function<Error(const CallRecord& record)>;

  Completion(Engine& engine, CallRecord record, Explain explain, OnDone on_done)
      : engine_(engine),
        record_(record),
        explain_(std::move(explain)),
        on_done_(std::move(on_done)) {}

  // There is no request that would own the operation.
  void own(std::unique_ptr<Operation> operation, CachedPlan& plan) {
    operation_ = std::move(operation);
    plan_ = &plan;
  }

  void over(Outcome outcome) noexcept override;

 private:
  Engine& engine_;
  CallRecord record_;
  Explain explain_;
  OnDone on_done_;
  std::unique_ptr<Operation> operation_;
  CachedPlan* plan_ = nullptr;
};

}  // namespace motet
