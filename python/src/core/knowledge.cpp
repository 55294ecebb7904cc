// What the library knows: which algorithm, why, and what to expect.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <array>

#include "communicator.hpp"
#include "errors.hpp"

namespace motet::python {
namespace {

motet_collective collective_from(const std::string& name) {
  // In the order of motet_collective.
  constexpr std::array names{"allreduce",       "allgather", "reduce_scatter", "broadcast",
                             "reduce",          "alltoall",  "gather",         "scatter",
                             "barrier",         "send",      "recv",           "allgatherv",
                             "reduce_scatterv", "alltoallv", "gatherv",        "scatterv"};
  for (std::size_t number = 0; number < names.size(); ++number) {
    if (name == names.at(number)) return static_cast<motet_collective>(number);
  }
  refuse("there is no collective \"" + name + "\"");
}

std::string explain(const Communicator& self, const std::string& collective, std::size_t count) {
  const motet_collective what = collective_from(collective);
  std::size_t needed = 0;
  self.call(
      [&](motet_comm* comm) { return motet_explain(comm, what, count, nullptr, 0, &needed); });
  std::string text(needed, '\0');
  self.call([&](motet_comm* comm) {
    return motet_explain(comm, what, count, text.data(), needed + 1, nullptr);
  });
  return text;
}

struct Question {
  std::string collective;
  std::size_t count = 0;
  std::string type;
  int root = 0;
  std::optional<std::string> algorithm;
};

motet_prediction predict(const Communicator& self, const Question& question) {
  motet_call call{};
  call.size = sizeof call;
  call.algorithm = question.algorithm ? question.algorithm->c_str() : nullptr;
  motet_prediction prediction{};
  prediction.size = sizeof prediction;
  const motet_collective what = collective_from(question.collective);
  const motet_type type = type_from(question.type);
  self.call([&](motet_comm* comm) {
    return motet_predict(comm, what, question.count, type, question.root, &call, &prediction);
  });
  return prediction;
}

}  // namespace

void define_knowledge(nb::module_& module, CommunicatorClass& communicator) {
  nb::class_<motet_prediction>(module, "Prediction", "What to expect of a call.")
      .def_ro("time_us", &motet_prediction::time_us,
              "Microseconds that the planner thinks it takes.")
      .def_ro("bound_us", &motet_prediction::bound_us,
              "Microseconds that no algorithm beats; 0 where nothing has to be moved.")
      .def_prop_ro(
          "algorithm", [](const motet_prediction& self) { return self.algorithm; },
          "That would run.");
  communicator
      .def("explain", &explain, nb::arg("collective"), nb::arg("count"),
           nb::sig("def explain(self, collective: motet._types.Collective, count: int) -> str"),
           "Local. Why the planner chooses what for `count` elements of float32: a table of "
           "candidates. Counts as in predict().")
      .def(
          "predict",
          [](const Communicator& self, std::string collective, std::size_t count, std::string type,
             int root, std::optional<std::string> algorithm) {
            return predict(
                self, {std::move(collective), count, std::move(type), root, std::move(algorithm)});
          },
          nb::arg("collective"), nb::arg("count"), nb::arg("type") = "float32", nb::arg("root") = 0,
          nb::arg("algorithm") = nb::none(),
          nb::sig("def predict(self, collective: motet._types.Collective, count: int, type: "
                  "motet._types.DataType = 'float32', root: int = 0, algorithm: str | None = None) "
                  "-> Prediction"),
          R"(Local. Raises motet.InvalidArgument.

count: elements of `type`, as motet.h has it: of allgather, for example, what one rank gives; of
v-forms what every rank has. root: also the peer of send and recv.)")
      .def_prop_ro(
          "last_algorithm",
          [](const Communicator& self) { return std::string(motet_last_algorithm(self.comm())); },
          "Of this rank's last call: \"two_shot\"; \"\" before the first.");
}

}  // namespace motet::python
