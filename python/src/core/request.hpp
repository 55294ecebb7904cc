// Calls under way, and what they need of Python meanwhile. With the GIL held, which calls that may
// wait let go of.
#pragma once

#include <motet/motet.h>

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "array.hpp"

namespace motet::python {

// What a call reads and writes; either may be none.
struct Arrays {
  Array x, out;
  // Without `out` the call is in place.
  const Array& result() const { return out.is_none() ? x : out; }
};

// A call of motet.h but for the communicator and its options, and the arrays that it uses.
struct Call {
  std::function<motet_status(motet_comm*, const motet_call*)> make;
  Arrays arrays;
  double scale = 0;  // of premul_sum
};

class Session;

// The way from what may outlive a communicator, requests and plans, back to it.
class Home {
 public:
  explicit Home(const std::shared_ptr<Session>& session);

  // While the result lives the communicator does, too. Null: it has been destroyed, to the end.
  std::shared_ptr<Session> enter() const;

 private:
  std::weak_ptr<Session> session_;
  std::shared_ptr<std::mutex> ending_;  // locked while the communicator is being destroyed
};

// That a request or a plan is in the hands of one thread.
class Use {
 public:
  // Throws InvalidArgument if it is in use, be it by a signal handler's caller.
  Use(bool& is_used, const char* what);
  ~Use() { is_used_ = false; }
  Use(const Use&) = delete;

 private:
  bool& is_used_;
};

// A plan of the C interface, and the arrays that it has bound.
struct Binding {
  Binding(Home its_home, motet_plan* its_plan, Arrays its_arrays)
      : home(std::move(its_home)), plan(its_plan), arrays(std::move(its_arrays)) {}
  Binding(const Binding&) = delete;
  ~Binding();

  const Home home;
  motet_plan* const plan;
  Arrays arrays;
  bool is_used = false;
};

// Started, and not known to be over.
class Pending {
 public:
  Pending(motet_request* request, Arrays arrays) : request_(request), arrays_(std::move(arrays)) {}
  Pending(motet_request* request, std::shared_ptr<Binding> binding)
      : request_(request), binding_(std::move(binding)) {}
  Pending(Pending&& other) noexcept
      : request_(std::exchange(other.request_, nullptr)),
        arrays_(std::move(other.arrays_)),
        binding_(std::move(other.binding_)) {}
  Pending& operator=(Pending&&) = delete;
  ~Pending();

  bool is_over() const { return request_ == nullptr; }
  // Throw why it failed; either way it is over then.
  void wait();
  bool test();

 private:
  void let_go();

  motet_request* request_;
  Arrays arrays_;
  std::shared_ptr<Binding> binding_;  // of a plan; null: none
  bool is_used_ = false;
};

// A communicator of the C interface, shared by Python's object and the threads that are in a call:
// the last one destroys it, without the GIL.
class Session {
 public:
  explicit Session(motet_comm* comm) : comm_(comm) {}
  Session(const Session&) = delete;
  ~Session();

  motet_comm* comm() const { return comm_; }
  // Of a request that nobody waits for any more: keeps the arrays until it is over.
  void abandon(Pending pending) { abandoned_.push_back(std::move(pending)); }
  // Lets go of what is over.
  void reap();

 private:
  friend class Home;

  motet_comm* const comm_;
  const std::shared_ptr<std::mutex> ending_ = std::make_shared<std::mutex>();  // see Home
  std::vector<Pending> abandoned_;
};

// What start_...() returns.
class Request {
 public:
  Request(Home home, Pending pending) : home_(std::move(home)), pending_(std::move(pending)) {}
  Request(Request&&) = default;
  ~Request();

  void wait();
  bool test();

 private:
  Home home_;
  Pending pending_;
};

// Asks Python whether a signal has come: KeyboardInterrupt and its like. For motet_call.
int interrupted(void*);

void define_request(nb::module_& module);

}  // namespace motet::python
