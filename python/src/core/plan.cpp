#include "plan.hpp"

#include "errors.hpp"

namespace motet::python {

void Plan::run() const {
  const auto session = binding_->home.enter();
  const Use use(binding_->is_used, "the plan");
  check(without_gil([this] { return motet_plan_run(binding_->plan); }));
}

Request Plan::start() const {
  const auto session = binding_->home.enter();
  const Use use(binding_->is_used, "the plan");
  motet_request* request = nullptr;
  check(without_gil([&] { return motet_plan_start(binding_->plan, &request); }));
  return {binding_->home, Pending(request, binding_)};
}

void define_plan(nb::module_& module) {
  nb::class_<Plan>(module, "Plan",
                   R"(A call that is bound once and made often: Communicator.plan_...().

    plan = world.plan_allreduce(gradients)
    for batch in batches:
        gradients[:] = ...
        plan.run()

Each run or start is a call like any other, in the order of calls; other ranks may make theirs
without a plan. It keeps its arrays alive, and fails once its communicator is closed. A plan is for
one thread at a time: another one gets motet.InvalidArgument.)")
      .def("run", &Plan::run, "Makes the call. Raises motet.Error.")
      .def("start", &Plan::start,
           "Starts the call. Until its request is done the plan cannot be run or started again.");
}

}  // namespace motet::python
