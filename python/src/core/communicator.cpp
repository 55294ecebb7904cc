#include "communicator.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <cmath>
#include <limits>

#include "errors.hpp"

namespace motet::python {
namespace {

// Makes the call with what `how` has beside the options.
void make(Session& session, const Call& call, const Options& options, motet_call how) {
  how.size = sizeof how;
  how.timeout_ms = milliseconds_of(options.timeout);
  how.algorithm = options.algorithm ? options.algorithm->c_str() : nullptr;
  how.determinism = options.same_bits_every_run ? 1 : 0;
  how.interrupted = interrupted;
  how.scale = call.scale;
  session.reap();
  check(without_gil([&] { return call.make(session.comm(), &how); }));
}

nb::object enter(nb::object self) {
  return self;
}

void leave(Communicator& self, const nb::object& type, const nb::object& error,
           const nb::object& /*trace*/) {
  if (self.is_closed()) return;
  const Communicator last = self;
  self.close();
  if (type.is_none()) return;
  last.abort(std::string(nb::inst_name(error).c_str()) + ": " + nb::str(error).c_str());
}

std::string to_text(const Communicator& self) {
  if (self.is_closed()) return "<motet.Communicator, closed>";
  return "<motet.Communicator, rank " + std::to_string(self.rank()) + " of " +
         std::to_string(self.size()) + ">";
}

int rank_or_mine(const Communicator& self, const std::optional<int>& rank) {
  const int asked = rank.value_or(self.rank());
  if (asked >= 0 && asked < self.size()) return asked;
  refuse("there is no rank " + std::to_string(asked) + " in a communicator of " +
         std::to_string(self.size()));
}

}  // namespace

int milliseconds_of(const std::optional<double>& seconds) {
  if (!seconds) return 0;
  if (!(*seconds > 0)) refuse("a timeout must be a positive number of seconds");
  constexpr double longest = std::numeric_limits<int>::max();
  return static_cast<int>(std::fmin(std::ceil(*seconds * 1000), longest));
}

std::shared_ptr<Session> Communicator::session() const {
  if (session_ == nullptr) refuse("the communicator is closed");
  return session_;
}

void Communicator::run(const Call& call, const Options& options) const {
  make(*session(), call, options, {});
}

Request Communicator::start(Call call, const Options& options) const {
  const auto session = this->session();
  motet_request* request = nullptr;
  motet_call how{};
  how.request = &request;
  make(*session, call, options, how);
  return {Home(session), Pending(request, std::move(call.arrays))};
}

Plan Communicator::plan(Call call, const Options& options) const {
  const auto session = this->session();
  motet_plan* plan = nullptr;
  motet_call how{};
  how.plan = &plan;
  make(*session, call, options, how);
  return Plan(std::make_shared<Binding>(Home(session), plan, std::move(call.arrays)));
}

bool Communicator::probe(int peer) const {
  int arrived = 0;
  call([&](motet_comm* comm) { return motet_probe(comm, peer, &arrived); });
  return arrived != 0;
}

std::optional<Communicator> Communicator::split(int color, int key) const {
  motet_comm* part = nullptr;
  call([&](motet_comm* comm) { return motet_comm_split(comm, color, key, &part); });
  if (part == nullptr) return std::nullopt;
  return Communicator(part);
}

void Communicator::abort(const std::string& reason) const {
  call([&](motet_comm* comm) { return motet_comm_abort(comm, reason.c_str()); });
}

void Communicator::check_error() const {
  call(motet_comm_error);
}

void Communicator::close() {
  session_.reset();
}

void define_communicator(CommunicatorClass& communicator) {
  communicator.def("__enter__", &enter, nb::sig("def __enter__(self) -> Communicator"))
      .def(
          "__exit__", &leave, nb::arg().none(), nb::arg().none(), nb::arg().none(),
          nb::sig("def __exit__(self, type: object, error: object, trace: object, /) -> None"),
          "Closes it. Aborts it first, with the exception's text, if there is one: the other ranks "
          "hear of it at once.")
      .def("__repr__", &to_text)
      .def("close", &Communicator::close,
           R"(Local. Ends outstanding requests as aborted. Later calls on it are errors.

Ranks that still wait for this one hear of it. Called when the object is dropped.)")
      .def(
          "split", &Communicator::split, nb::arg("color"), nb::arg("key") = 0,
          R"(Collective: ranks of equal color >= 0 form a communicator, ordered by key, then by rank.

None for a negative color.)")
      .def("probe", &Communicator::probe, nb::arg("peer"),
           "Whether the message that the next recv() from `peer` will get has begun to come. Never "
           "blocks.")
      .def("abort", &Communicator::abort, nb::arg("reason") = "",
           R"(From any thread: pending and later calls fail with motet.Aborted on every rank.

The reason is in their text.)")
      .def("check", &Communicator::check_error,
           "Raises the first cause of its failure if the communicator is aborted.")
      .def_prop_ro("rank", &Communicator::rank, "This process's number, from 0.")
      .def_prop_ro("size", &Communicator::size, "How many ranks there are.")
      .def(
          "node",
          [](const Communicator& self, std::optional<int> rank) {
            return motet_comm_node(self.comm(), rank_or_mine(self, rank));
          },
          nb::arg("rank") = nb::none(),
          "The node of a rank (default: of this one), from 0. Ranks of one node can share memory.")
      .def(
          "local_rank",
          [](const Communicator& self, std::optional<int> rank) {
            return motet_comm_local_rank(self.comm(), rank_or_mine(self, rank));
          },
          nb::arg("rank") = nb::none(),
          "The number of a rank (default: of this one) among those of its node.")
      .def_prop_ro(
          "node_count", [](const Communicator& self) { return motet_comm_node_count(self.comm()); },
          "How many nodes there are.")
      .def(
          "transport",
          [](const Communicator& self, int rank) {
            return std::string(motet_comm_transport(self.comm(), rank_or_mine(self, rank)));
          },
          nb::arg("rank"), "How this rank reaches another: \"shm\", \"tcp\", \"self\", ...");
}

}  // namespace motet::python
