// How a communicator makes calls: at once where that is possible, or as operations.
#include "communicator/communicator.hpp"
#include "communicator/opening.hpp"
#include "device/host/reduce.hpp"

namespace motet {
namespace {

// What the program cannot know, of operations that have details.
void instruct(Operation& operation, const Arguments& a) {
  a.op == ReduceOp::user ? operation.use(*a.details->reduction)
                         : operation.multiply_by(*a.details->scale);
}

}  // namespace

// What `use` makes of the plan for these arguments, with the engine held. Planning takes
// milliseconds, so meanwhile it is free, and another thread may be the first to plan the same.
template <class Use>
auto Communicator::with_plan(const Arguments& arguments, Use&& use) {
  if (arguments.op >= ReduceOp::premul_sum) check_details(arguments);
  if (!arguments.is_uneven()) {
    const Engine::Hold hold(engine());
    CachedPlan* const recent = plans_.recent(arguments);
    if (recent != nullptr && recent->serves(arguments)) return use(*recent);
  }
  const Extent extent = check(arguments, rank(), world_size());
  const PlanKey key(arguments, extent.in_place, rank(), world_size());
  std::unique_ptr<CachedPlan> made;
  for (;;) {
    {
      const Engine::Hold hold(engine());
      CachedPlan* plan = plans_.find(key);
      if (plan == nullptr && made != nullptr) plan = &plans_.add(std::move(made));
      if (plan != nullptr) {
        plans_.note_use(arguments, *plan);
        return use(*plan);
      }
    }
    made = std::make_unique<CachedPlan>(key, arguments, extent,
                                        to_record(arguments, 0, rank(), world_size()),
                                        make_program(arguments, extent));
  }
}

// Throws if it cannot start; then nothing has changed. The input of a premultiplied sum in place is
// multiplied where it lies: that takes as long as the buffer is, so the engine is free meanwhile.
void Communicator::prepare(const Arguments& arguments) {
  check_not_failed(arguments);
  if (arguments.op != ReduceOp::premul_sum) return;
  const Extent extent = with_plan(arguments, [](CachedPlan& plan) { return plan.extent(); });
  if (!extent.in_place) return;
  multiply_kernel(arguments.type)(const_cast<void*>(arguments.input), arguments.input, extent.input,
                                  *arguments.details->scale);
}

// With the engine held.
Started Communicator::launch(CachedPlan& plan, const Arguments& arguments) {
  plans_.note_latest(plan);
  Started started{plan.take(), &plan, plan.trial().way(), plan.trial().is_open()};
  Operation& operation = *started.operation;
  operation.go(started.way);
  if (arguments.op >= ReduceOp::premul_sum) instruct(operation, arguments);
  const bool point_to_point = is_point_to_point(arguments.collective);
  if (!point_to_point) plan.log_to(*log_, context_.next_sequence());
  context_.start(operation, {arguments.input, arguments.output},
                 {point_to_point ? arguments.root : -1, arguments.collective == Collective::recv});
  if (operation.phase == Operation::Phase::active) context_.advance(operation);
  return started;
}

// took: how long it was waited for, where that matters.
void Communicator::end(Started& started, Clock::duration took) {
  const bool failed = started.operation->phase == Operation::Phase::failed;
  const CallRecord record = failed ? started.record() : CallRecord{};
  {
    const Engine::Hold hold(engine());
    if (failed) {
      started.operation.reset();
    } else {
      // Another thread's call may have changed the way since.
      WayTrial& trial = started.plan->trial();
      if (started.is_tried && took > Clock::duration{} && trial.way() == started.way) {
        trial.note(took);
      }
      started.plan->give_back(std::move(started.operation));
    }
  }
  if (failed) throw failure_of(&record);
}

// The collective of a training loop's every step, or of a benchmark: no operation is needed if it
// is over at once. With the engine held. True if it is over; else `rest` is what is under way, null
// where nothing has begun.
inline bool Communicator::run_short(CachedPlan& plan, const Arguments& arguments, Form form,
                                    Operation*& rest) {
  if (context_.is_disturbed()) [[unlikely]]
    return false;
  plans_.note_latest(plan);
  form == Form::uneven ? log_->write_uneven(context_.next_sequence(), plan.logged())
                       : log_->write(context_.next_sequence(), plan.logged());
  const ShortStep* const next =
      context_.run_short(plan.program(), {arguments.input, arguments.output});
  if (next == plan.program().end_of_short_steps()) [[likely]]
    return true;
  if (next != nullptr) rest = resume(plan, arguments, next);
  return false;
}

void Communicator::run(const Arguments& arguments) {
  CachedPlan* plan = nullptr;
  Operation* rest = nullptr;
  {
    const Engine::Hold hold(engine());
    plan = plans_.recent(arguments);
    if (plan != nullptr && plan->is_short() && plan->serves(arguments) &&
        run_short(*plan, arguments, Form::even, rest)) [[likely]]
      return;
  }
  rest == nullptr ? run_at_length(arguments) : run_rest(*plan, arguments, rest);
}

// The counts are compared with those of former calls each time; then it is as short.
void Communicator::run_uneven(const Arguments& arguments) {
  prepare(arguments);
  const bool has_buffers = arguments.input != nullptr && arguments.output != nullptr;
  Operation* rest = nullptr;
  CachedPlan* plan = nullptr;
  Started started;
  with_plan(arguments, [&](CachedPlan& found) {
    plan = &found;
    const bool is_over =
        found.is_short() && has_buffers && run_short(found, arguments, Form::uneven, rest);
    if (!is_over && rest == nullptr) started = launch(found, arguments);
  });
  if (rest != nullptr) return run_rest(*plan, arguments, rest);
  if (started.operation != nullptr) see_through(std::move(started), arguments);
}

void Communicator::run_at_length(const Arguments& arguments) {
  prepare(arguments);
  see_through(with_plan(arguments, [&](CachedPlan& plan) { return launch(plan, arguments); }),
              arguments);
}

// `plan` is pinned.
void Communicator::run_planned(CachedPlan& plan, const Arguments& arguments) {
  Operation* rest = nullptr;
  if (plan.is_short()) [[likely]] {
    const Engine::Hold hold(engine());
    if (plan.is_uneven() ? run_short(plan, arguments, Form::uneven, rest)
                         : run_short(plan, arguments, Form::even, rest)) {
      return;
    }
  }
  rest == nullptr ? run_through(plan, arguments) : run_rest(plan, arguments, rest);
}

void Communicator::run_through(CachedPlan& plan, const Arguments& arguments) {
  prepare(arguments);
  Started started = [&] {
    const Engine::Hold hold(engine());
    return launch(plan, arguments);
  }();
  see_through(std::move(started), arguments);
}

void Communicator::see_through(Started started, const Arguments& arguments) {
  if (!started.is_tried) return finish(std::move(started), arguments);
  const auto start = Clock::now();
  wait_for(started, arguments);
  end(started, Clock::now() - start);
}

void Communicator::run_rest(CachedPlan& plan, const Arguments& arguments, Operation* operation) {
  finish({std::unique_ptr<Operation>(operation), &plan}, arguments);
}

// With the engine held, still: other threads must find it under way. The caller owns it.
Operation* Communicator::resume(CachedPlan& plan, const Arguments& arguments,
                                const ShortStep* next) {
  std::unique_ptr<Operation> operation = plan.take();
  context_.resume(*operation, {arguments.input, arguments.output}, next);
  return operation.release();
}

void Communicator::wait_for(Started& started, const Arguments& arguments) {
  engine().wait(context_, *started.operation, patience_for(arguments), engines_of_this_thread());
}

void Communicator::finish(Started started, const Arguments& arguments) {
  wait_for(started, arguments);
  end(started);
}

void Communicator::expect_to_start(const Arguments& arguments) {
  check_not_failed(arguments);
  with_plan(arguments, [](CachedPlan&) {});
}

std::unique_ptr<Completion> Communicator::completion_for(const Started& started,
                                                         OnDone on_done) const {
  if (!on_done) return nullptr;
  const auto explain = [this](const CallRecord& record) { return failure_of(&record); };
  return std::make_unique<Completion>(*job_->engine, started.record(), explain, std::move(on_done));
}

// With the engine held.
Request::State Communicator::begin(CachedPlan& plan, const Arguments& arguments, OnDone on_done) {
  Engine::Patience patience = patience_for(arguments);
  patience.since = Clock::now();
  Started started = launch(plan, arguments);
  engine().follow(*started.operation, patience, completion_for(started, std::move(on_done)));
  return {std::move(started), patience};
}

std::unique_ptr<Request> Communicator::start(const Arguments& arguments, OnDone on_done) {
  prepare(arguments);
  const bool is_heard = on_done != nullptr;
  auto request = with_plan(arguments, [&](CachedPlan& plan) {
    return std::unique_ptr<Request>(new Request(*this, begin(plan, arguments, std::move(on_done))));
  });
  if (is_heard) engine().tell();
  return request;
}

void Communicator::start_unattended(const Arguments& arguments, OnDone on_done) {
  prepare(arguments);
  Engine::Patience patience = patience_for(arguments);
  patience.since = Clock::now();
  with_plan(arguments, [&](CachedPlan& plan) {
    Started started = launch(plan, arguments);
    Operation& operation = *started.operation;
    auto completion = completion_for(started, std::move(on_done));
    completion->own(std::move(started.operation), plan);
    engine().follow(operation, patience, std::move(completion));
  });
  engine().tell();
}

std::unique_ptr<Plan> Communicator::bind(const Arguments& arguments) {
  check_not_failed(arguments);
  return with_plan(arguments, [&](CachedPlan& plan) {
    return std::unique_ptr<Plan>(new Plan(*this, arguments, plan));
  });
}

}  // namespace motet
