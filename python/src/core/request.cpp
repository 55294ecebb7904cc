#include "request.hpp"

#include <string>
#include <utility>

#include "errors.hpp"

namespace motet::python {

int interrupted(void*) {
  const nb::gil_scoped_acquire gil;
  return static_cast<int>(PyErr_CheckSignals() != 0);
}

// ---- Home and Use

Home::Home(const std::shared_ptr<Session>& session)
    : session_(session), ending_(session->ending_) {}

std::shared_ptr<Session> Home::enter() const {
  auto session = session_.lock();
  if (session == nullptr) {
    const nb::gil_scoped_release free;
    const std::scoped_lock ended(*ending_);
  }
  return session;
}

Use::Use(bool& is_used, const char* what) : is_used_(is_used) {
  if (is_used_) refuse(std::string(what) + " is in use by another call");
  is_used_ = true;
}

// ---- Pending

Binding::~Binding() {
  const auto session = home.enter();
  motet_plan_free(plan);
}

Pending::~Pending() {
  if (request_ == nullptr) return;
  const nb::gil_scoped_release free;
  (void)motet_wait(&request_);
}

void Pending::wait() {
  const Use use(is_used_, "the request");
  const Outcome outcome = without_gil([this] { return motet_wait(&request_); });
  let_go();
  check(outcome);
}

bool Pending::test() {
  const Use use(is_used_, "the request");
  int done = 1;
  const Outcome outcome = without_gil([&] { return motet_test(&request_, &done); });
  if (done != 0) let_go();
  check(outcome);
  return done != 0;
}

void Pending::let_go() {
  arrays_ = {};
  binding_.reset();
}

// ---- Session

Session::~Session() {
  without_gil([this] {
    const std::scoped_lock ending(*ending_);
    return motet_comm_destroy(comm_);
  });
  abandoned_.clear();  // at once: they have been aborted
}

void Session::reap() {
  std::vector<Pending> looked_at = std::exchange(abandoned_, {});
  for (Pending& pending : looked_at) {
    try {
      if (!pending.test()) abandoned_.push_back(std::move(pending));
    } catch (const nb::python_error&) {
      continue;  // nobody is left to hear of it: the next call says it again
    }
  }
}

// ---- Request

Request::~Request() {
  if (pending_.is_over()) return;
  const auto session = home_.enter();
  if (session == nullptr) return;  // it was aborted: nothing to wait for
  const nb::error_scope pending_error;
  if (PyErr_ResourceWarning(nullptr, 1, "a motet.Request was dropped before it was done") != 0) {
    PyErr_WriteUnraisable(nullptr);
  }
  session->abandon(std::move(pending_));
}

void Request::wait() {
  const auto session = home_.enter();
  pending_.wait();
}

bool Request::test() {
  const auto session = home_.enter();
  return pending_.test();
}

void define_request(nb::module_& module) {
  nb::class_<Request>(module, "Request", R"(A call under way, returned by Communicator.start_...().

Its arrays belong to it until it is done: they must be neither read nor written. It keeps them
alive. A request that is dropped before it is done goes on (with a ResourceWarning); its arrays
live until it is over, and nobody hears how it ended. Progress is made while any thread is in a call,
wait() and test() among them, on this communicator or another that was made by the same thread; or
all the time, by a thread of Motet's, where MOTET_PROGRESS_THREAD=1. A request is for one thread at
a time: another one gets motet.InvalidArgument.)")
      .def("wait", &Request::wait, R"(Returns when the call is done; at once if it was done before.

Raises motet.Error: why it failed. KeyboardInterrupt aborts the communicator on every rank.)")
      .def("test", &Request::test, R"(Moves what can be moved. True if the call is done.

Raises motet.Error: why it failed.)");
}

}  // namespace motet::python
