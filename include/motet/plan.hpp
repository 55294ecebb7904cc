// A call that is made again and again, bound to its buffers once: motet_plan with an owner.
//
//   motet::Plan step([&](const motet::CallOptions& how) {
//     world.allreduce(gradients, motet::ReduceOp::avg, how);
//   });
//   for (...) step.run();
#pragma once

#include <motet/motet.h>
#include <motet/motet.hpp>

#include <concepts>
#include <memory>
#include <utility>

namespace motet {
inline namespace api {

// Owns a motet_plan. The buffers stay where they are as long as it lives. Used by one thread at a
// time. A moved-from plan may only be destroyed or assigned to.
class Plan {
 public:
  // `call` makes one call with the options that it is given, of any kind that blocks; it may change
  // them, but for `plan`. Throws Error: what is wrong with the call.
  template <class Call>
  requires std::invocable<const Call&, const CallOptions&>
  explicit Plan(const Call& call) {
    CallOptions how;
    how.plan = &plan_;
    call(how);
  }
  Plan(Plan&& other) noexcept : plan_(std::exchange(other.plan_, nullptr)) {}
  Plan& operator=(Plan&& other) noexcept {
    std::swap(plan_, other.plan_);
    return *this;
  }
  ~Plan() { (void)motet_plan_free(plan_); }

  // Makes the call, and blocks until it is done.
  void run() { check(motet_plan_run(plan_)); }

  // Returns at once. Not again before the request is done.
  [[nodiscard]] Request start() {
    Request request;
    request.request_ = std::make_unique<motet_request*>();
    check(motet_plan_start(plan_, request.request_.get()));
    return request;
  }

 private:
  motet_plan* plan_ = nullptr;
};

}  // namespace api
}  // namespace motet
