#include "work.hpp"

#include <ATen/Context.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/jit_type.h>

#include <utility>

#include "background.hpp"

namespace motet::torch {
namespace {

using c10::ivalue::Future;
using std::chrono::milliseconds;

// The work that this thread is starting or waiting for: it looks by itself whether it is over.
thread_local const Work* in_hand = nullptr;

class InHand {
 public:
  explicit InHand(const Work* work) : before_(std::exchange(in_hand, work)) {}
  ~InHand() { in_hand = before_; }
  InHand(const InHand&) = delete;

 private:
  const Work* const before_;
};

c10::intrusive_ptr<Future> make_future(std::size_t lists) {
  auto type = c10::ListType::create(c10::TensorType::get());
  if (lists > 1) type = c10::ListType::create(type);
  return c10::make_intrusive<Future>(type);
}

c10::IValue value_of(const std::vector<Work::Tensors>& outputs) {
  if (outputs.size() > 1) return outputs;
  return outputs.empty() ? c10::IValue(Work::Tensors{}) : c10::IValue(outputs.front());
}

}  // namespace

Work::Work(std::shared_ptr<Communicator> communicator, const Description& description,
           const Tensors& inputs, std::vector<Tensors> outputs)
    : c10d::Work(description.rank, description.type, description.title.c_str(), inputs),
      description_(description),
      outputs_(std::move(outputs)),
      communicator_(std::move(communicator)) {}

// Where an exception has kept it from being sealed, its calls are over by now: they hold it.
Work::~Work() {
  free_requests();
}

std::shared_ptr<Communicator> Work::communicator() const {
  const std::scoped_lock lock(state_mutex_);
  return communicator_;
}

void Work::add(const Tensors& kept, const Start& start) {
  kept_.insert(kept_.end(), kept.begin(), kept.end());
  motet_call call{};
  call.size = sizeof call;
  call.request = &requests_.emplace_back(nullptr);
  call.timeout_ms = limit_of(description_.timeout);
  call.determinism = at::globalContext().deterministicAlgorithms() ? 1 : 0;
  call.on_done = on_done;
  call.user = this;
  // The callback holds this until it is called.
  c10::raw::intrusive_ptr::incref(this);
  under_way_.fetch_add(1, std::memory_order_relaxed);  // seal() publishes it
  const InHand here(this);
  const motet_status status = start(communicator()->handle(), &call);
  if (status == motet_ok) return;
  under_way_.fetch_sub(1, std::memory_order_relaxed);
  c10::raw::intrusive_ptr::decref(this);
  requests_.pop_back();
  fail(status, motet_last_error(), description_.timeout);
}

void Work::seal() {
  is_open_.store(false);
  is_sealed_.store(true);
  under_way_.fetch_sub(1);
  if (is_over()) complete();
}

// Within a call of Motet: whatever takes long, or lets go of a communicator, happens elsewhere.
void Work::on_done(motet_status status, const char* message, void* user) {
  auto self = c10::intrusive_ptr<Work>::reclaim(static_cast<Work*>(user));
  if (status != motet_ok) {
    self->attempt([&] { fail(status, message, self->description_.timeout); });
  }
  self->under_way_.fetch_sub(1);
  if (in_hand == self.get()) return;
  background().add([held = std::move(self)] {
    if (held->is_over()) held->complete();
  });
}

void Work::note(std::exception_ptr failure) {
  const std::scoped_lock lock(state_mutex_);
  if (failure_ == nullptr) failure_ = std::move(failure);
}

void Work::attempt(const std::function<void()>& body) {
  try {
    body();
  } catch (...) {
    note(std::current_exception());
  }
}

// All calls are over, so nothing is noted but by this. The communicator goes before anybody hears
// of it: then the group's own shutdown() is what destroys it.
void Work::complete() {
  if (completing_.exchange(true)) return;
  if (failure_ == nullptr) {
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    attempt([this] {
      for (const auto& step : steps_) step();
    });
  }
  steps_.clear();
  kept_.clear();
  free_requests();
  {
    std::shared_ptr<Communicator> last;  // goes without the lock
    const std::scoped_lock lock(state_mutex_);
    last.swap(communicator_);
  }
  finish(failure_);
  c10::intrusive_ptr<Future> future;
  {
    const std::scoped_lock lock(state_mutex_);
    is_complete_ = true;
    future = future_;
  }
  if (future == nullptr) return;
  failure_ ? future->setError(failure_) : future->markCompleted(value_of(outputs_));
}

bool Work::isCompleted() {
  if (is_over()) complete();
  return c10d::Work::isCompleted();
}

void Work::free_requests() {
  if (freeing_.exchange(true)) return;
  const InHand here(this);
  for (motet_request*& request : requests_) motet_wait(&request);
}

// The communicator must not go meanwhile.
void Work::drive() {
  const auto communicator = this->communicator();
  if (communicator != nullptr && is_sealed_.load()) free_requests();
}

// With a limit, or while another thread still adds calls, it is the progress thread that drives.
bool Work::wait(milliseconds timeout) {
  if (is_open_.load()) return true;
  if (timeout == kNoTimeout) drive();
  if (is_over()) complete();
  return c10d::Work::wait(timeout);
}

void Work::abort() {
  const auto communicator = this->communicator();
  if (communicator != nullptr) motet_comm_abort(communicator->handle(), "the work was aborted");
}

std::vector<at::Tensor> Work::result() {
  TORCH_CHECK(isCompleted(), "motet: the work is not completed yet");
  TORCH_CHECK(outputs_.size() <= 1, "motet: work with several lists of results: use its future");
  return outputs_.empty() ? Tensors{} : outputs_.front();
}

c10::intrusive_ptr<Future> Work::getFuture() {
  isCompleted();
  const std::scoped_lock lock(state_mutex_);
  if (future_ != nullptr) return future_;
  future_ = make_future(outputs_.size());
  if (!is_complete_) return future_;
  const std::exception_ptr failure = exception();
  failure ? future_->setError(failure) : future_->markCompleted(value_of(outputs_));
  return future_;
}

}  // namespace motet::torch
