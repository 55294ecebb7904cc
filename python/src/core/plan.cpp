#include "plan.hpp"

#include "errors.hpp"

namespace motet::python {

void Plan::run() const {
  const auto session = session_.lock();  // stays until the call is over
  Outcome outcome;
  {
    const nb::gil_scoped_release free;
    outcome = motet_plan_run(binding_->plan);
  }
  check(outcome);
}

Request Plan::start() const {
  const auto session = session_.lock();
  motet_request* request = nullptr;
  Outcome outcome;
  {
    const nb::gil_scoped_release free;
    outcome = motet_plan_start(binding_->plan, &request);
  }
  check(outcome);
  return {session, Pending(request, binding_)};
}

void define_plan(nb::module_& module) {
  nb::class_<Plan>(module, "Plan",
                   R"(A call that is bound once and made often: Communicator.plan_...().

    plan = world.plan_allreduce(gradients)
    for batch in batches:
        gradients[:] = ...
        plan.run()

Each run or start is a call like any other, in the order of calls; other ranks may make theirs
without a plan. It keeps its arrays alive, and fails once its communicator is closed.)")
      .def("run", &Plan::run, "Makes the call. Raises motet.Error.")
      .def("start", &Plan::start,
           "Starts the call. Until its request is done the plan cannot be run or started again.");
}

}  // namespace motet::python
