// A call that is made again and again: its arguments have been checked, planned and lowered once,
// so nothing is looked up any more. Used by one thread at a time.
#pragma once

#include <memory>

#include "communicator/arguments.hpp"
#include "communicator/plan_cache.hpp"

namespace motet {

class Communicator;
class Request;

class Plan {
 public:
  ~Plan();
  Plan(const Plan&) = delete;

  // As Communicator::run() and start(), one after the other: throw Error{invalid_argument} where a
  // start is under way, or where the communicator has gone. The request is the plan's own and
  // serves every start.
  void run();
  Request& start();
  // Until the request has said that it is over.
  bool is_under_way() const { return is_under_way_; }

 private:
  friend class Communicator;
  friend class Request;
  Plan(Communicator& communicator, const Arguments& arguments, CachedPlan& cached);

  // The communicator goes first.
  void orphan() { communicator_ = nullptr; }
  void check_ready() const;
  [[noreturn]] void refuse() const;

  Communicator* communicator_;  // null once it has gone
  bool is_under_way_ = false;
  CachedPlan* cached_;  // pinned; the communicator's
  OpDetails details_;
  Arguments arguments_;
  std::unique_ptr<Request> request_;  // made by the first start
};

}  // namespace motet
