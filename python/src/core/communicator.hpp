// motet.Communicator: a communicator of motet.h with Python's arrays, exceptions and threads.
#pragma once

#include <motet/motet.h>

#include <memory>
#include <optional>
#include <string>

#include "errors.hpp"
#include "plan.hpp"
#include "request.hpp"

namespace motet::python {

// What every call can be told; kw-only in Python. See motet_call.
struct Options {
  std::optional<double> timeout;  // seconds
  std::optional<std::string> algorithm;
  bool same_bits_every_run = false;
};

class Communicator {
 public:
  explicit Communicator(motet_comm* comm) : session_(std::make_shared<Session>(comm)) {}

  // These throw InvalidArgument once it is closed. With the GIL held.
  std::shared_ptr<Session> session() const;
  motet_comm* comm() const { return session()->comm(); }
  int rank() const { return motet_comm_rank(comm()); }
  int size() const { return motet_comm_size(comm()); }

  // Makes a call of motet.h without the GIL; throws why it failed. The communicator stays until it
  // is over, also if another thread closes this object.
  template <class Make>
  void call(Make&& make) const {
    const auto session = this->session();
    check(without_gil([&] { return make(session->comm()); }));
  }
  void run(const Call& call, const Options& options) const;
  Request start(Call call, const Options& options) const;
  Plan plan(Call call, const Options& options) const;
  bool probe(int peer) const;

  std::optional<Communicator> split(int color, int key) const;
  void abort(const std::string& reason) const;
  void check_error() const;
  void close();
  bool is_closed() const { return session_ == nullptr; }

 private:
  std::shared_ptr<Session> session_;  // null: closed
};

using CommunicatorClass = nb::class_<Communicator>;

// Milliseconds of an optional number of seconds; 0: not given.
int milliseconds_of(const std::optional<double>& seconds);

void define_creation(nb::module_& module, CommunicatorClass& communicator);
void define_communicator(CommunicatorClass& communicator);
void define_collectives(CommunicatorClass& communicator);
void define_vforms(CommunicatorClass& communicator);
void define_knowledge(nb::module_& module, CommunicatorClass& communicator);

}  // namespace motet::python
