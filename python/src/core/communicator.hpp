// motet.Communicator: a communicator of motet.h with Python's arrays, exceptions and threads.
#pragma once

#include <motet/motet.h>

#include <memory>
#include <optional>
#include <string>

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

  // Throws InvalidArgument once it is closed.
  motet_comm* comm() const;
  int rank() const { return motet_comm_rank(comm()); }
  int size() const { return motet_comm_size(comm()); }

  // Blocks, without the GIL.
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
  void make(const Call& call, const Options& options, motet_call how) const;

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
