// Calls under way, and what they need of Python meanwhile.
#pragma once

#include <motet/motet.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "array.hpp"

namespace motet::python {

// A call of motet.h but for the communicator and its options, and the arrays that it uses.
struct Call {
  std::function<motet_status(motet_comm*, const motet_call*)> make;
  std::vector<Array> arrays;
  double scale = 0;  // of premul_sum
};

// A plan of the C interface, and the arrays that it has bound.
struct Binding {
  Binding(motet_plan* its_plan, std::vector<Array> its_arrays)
      : plan(its_plan), arrays(std::move(its_arrays)) {}
  Binding(const Binding&) = delete;
  ~Binding() { motet_plan_free(plan); }

  motet_plan* plan;
  std::vector<Array> arrays;
};

// Started, and not known to be over. With the GIL held.
class Pending {
 public:
  Pending(motet_request* request, std::vector<Array> arrays)
      : request_(request), arrays_(std::move(arrays)) {}
  Pending(motet_request* request, std::shared_ptr<Binding> binding)
      : request_(request), binding_(std::move(binding)) {}
  Pending(Pending&& other) noexcept
      : request_(std::exchange(other.request_, nullptr)),
        arrays_(std::move(other.arrays_)),
        binding_(std::move(other.binding_)) {}
  Pending& operator=(Pending&& other) noexcept {
    std::swap(request_, other.request_);
    arrays_.swap(other.arrays_);
    binding_.swap(other.binding_);
    return *this;
  }
  ~Pending();

  bool is_over() const { return request_ == nullptr; }
  // Throw why it failed; either way it is over then.
  void wait();
  bool test();

 private:
  void let_go();

  motet_request* request_;
  std::vector<Array> arrays_;
  std::shared_ptr<Binding> binding_;  // of a plan; null: none
};

// A communicator of the C interface, shared by Python's object, its requests, and the threads that
// are in a call: the last one destroys it, without the GIL.
class Session {
 public:
  explicit Session(motet_comm* comm) : comm_(comm) {}
  Session(const Session&) = delete;
  ~Session();

  motet_comm* comm() const { return comm_; }
  // Of a request that nobody waits for any more: keeps the arrays until it is over. With the GIL.
  void abandon(Pending pending) { abandoned_.push_back(std::move(pending)); }
  // Lets go of what is over. With the GIL.
  void reap();

 private:
  motet_comm* comm_;
  std::vector<Pending> abandoned_;
};

// What start_...() returns.
class Request {
 public:
  Request(const std::shared_ptr<Session>& session, Pending pending)
      : session_(session), pending_(std::move(pending)) {}
  Request(Request&&) = default;
  ~Request();

  void wait();
  bool test() { return pending_.test(); }

 private:
  std::weak_ptr<Session> session_;
  Pending pending_;
};

// Asks Python whether a signal has come: KeyboardInterrupt and its like. For motet_call.
int interrupted(void*);

void define_request(nb::module_& module);

}  // namespace motet::python
