#include "request.hpp"

#include <utility>

#include "errors.hpp"

namespace motet::python {

int interrupted(void*) {
  const nb::gil_scoped_acquire gil;
  return static_cast<int>(PyErr_CheckSignals() != 0);
}

// ---- Pending

Pending::~Pending() {
  if (request_ == nullptr) return;
  const nb::gil_scoped_release free;
  (void)motet_wait(&request_);
}

void Pending::wait() {
  Outcome outcome;
  {
    const nb::gil_scoped_release free;
    outcome = motet_wait(&request_);
  }
  let_go();
  check(outcome);
}

bool Pending::test() {
  int done = 1;
  Outcome outcome;
  {
    const nb::gil_scoped_release free;
    outcome = motet_test(&request_, &done);
  }
  if (done != 0) let_go();
  check(outcome);
  return done != 0;
}

void Pending::let_go() {
  arrays_.clear();
  binding_.reset();
}

// ---- Session

Session::~Session() {
  {
    const nb::gil_scoped_release free;
    motet_comm_destroy(comm_);
  }
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
  const auto session = session_.lock();
  if (pending_.is_over() || session == nullptr) return;  // or aborted: nothing to wait for
  const nb::error_scope pending_error;
  if (PyErr_ResourceWarning(nullptr, 1, "a motet.Request was dropped before it was done") != 0) {
    PyErr_WriteUnraisable(nullptr);
  }
  session->abandon(std::move(pending_));
}

void Request::wait() {
  const auto session = session_.lock();  // stays until the wait is over
  pending_.wait();
}

void define_request(nb::module_& module) {
  nb::class_<Request>(module, "Request", R"(A call under way, returned by Communicator.start_...().

Its arrays belong to it until it is done: they must be neither read nor written. It keeps them
alive. A request that is dropped before it is done goes on (with a ResourceWarning); its arrays
live until it is over, and nobody hears how it ended. Progress is made only inside calls of this
thread's communicators, wait() and test() among them.)")
      .def("wait", &Request::wait, R"(Returns when the call is done; at once if it was done before.

Raises motet.Error: why it failed. KeyboardInterrupt aborts the communicator on every rank.)")
      .def("test", &Request::test, R"(Moves what can be moved. True if the call is done.

Raises motet.Error: why it failed.)");
}

}  // namespace motet::python
