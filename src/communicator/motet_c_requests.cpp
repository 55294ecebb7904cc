// The C interface: requests and plans.
#include <memory>
#include <utility>

#include "base/handle.hpp"
#include "communicator/c_boundary.hpp"
#include "communicator/call_group.hpp"
#include "communicator/plan.hpp"
#include "motet/motet.h"

// One start after the other has the same request, so that none is made anew.
struct motet_plan {
  std::unique_ptr<motet::Plan> plan;
  motet_request request;
  bool is_freed = false;  // while its request is out, which then frees it
};

namespace {

// It is over, or nobody wants to know.
void release(motet_request* request) noexcept {
  if (request->plan == nullptr) {
    delete request;
  } else if (request->plan->is_freed) {
    delete request->plan;
  }
}
using Over = motet::Handle<motet_request, release>;

}  // namespace

namespace motet {

motet_plan* bind(Communicator& communicator, const Arguments& arguments) {
  auto plan = std::make_unique<motet_plan>();
  plan->plan = communicator.bind(arguments);
  plan->request.plan = plan.get();
  return plan.release();
}

}  // namespace motet

extern "C" {

motet_status motet_wait(motet_request** request) {
  return motet::guarded([&] {
    motet::CallGroup::refuse_inside("motet_wait");
    motet::require(request, "the request");
    const Over over(std::exchange(*request, nullptr));
    if (over != nullptr) over->request->wait();
  });
}

motet_status motet_test(motet_request** request, int* done) {
  return motet::guarded([&] {
    motet::CallGroup::refuse_inside("motet_test");
    motet::require(request, "the request");
    motet::require(done, "done");
    *done = 1;
    Over over(std::exchange(*request, nullptr));
    if (over == nullptr || over->request->test()) return;
    *done = 0;
    *request = over.release();
  });
}

motet_status motet_plan_run(motet_plan* plan) {
  return motet::guarded([&] {
    motet::CallGroup::refuse_inside("motet_plan_run");
    motet::require(plan, "the plan");
    plan->plan->run();
  });
}

motet_status motet_plan_start(motet_plan* plan, motet_request** request) {
  return motet::guarded([&] {
    motet::CallGroup::refuse_inside("motet_plan_start");
    motet::require(plan, "the plan");
    motet::require(request, "where to put the request");
    plan->request.request = &plan->plan->start();
    *request = &plan->request;
  });
}

motet_status motet_plan_free(motet_plan* plan) {
  return motet::guarded([&] {
    if (plan == nullptr) return;
    if (!plan->plan->is_under_way()) {
      delete plan;
    } else {
      plan->is_freed = true;
    }
  });
}

}  // extern "C"
