// What motet.torch sees of the backend.
#include <pybind11/chrono.h>
#include <torch/csrc/utils/pybind.h>

#include <torch/csrc/distributed/c10d/Backend.hpp>

#include "backend.hpp"
#include "background.hpp"

namespace py = pybind11;

namespace {

using motet::torch::Backend;

c10::intrusive_ptr<c10d::Backend> create(const c10::intrusive_ptr<c10d::Store>& store,
                                         const std::string& group, int rank, int size,
                                         const c10::intrusive_ptr<Backend::Options>& options) {
  return c10::make_intrusive<Backend>(store, group, rank, size, options);
}

// So long the end of a program waits for callbacks that are under way in other threads, which
// Python would kill in the middle of them.
constexpr std::chrono::seconds longest_callback{10};

void before_python_ends() {
  const py::gil_scoped_release callbacks_need_it;
  motet::torch::background().drain(longest_callback);
}

}  // namespace

PYBIND11_MODULE(_backend, module) {
  // Its classes are the bases of ours.
  py::module_::import("torch._C._distributed_c10d");
  py::class_<Backend::Options, c10d::Backend::Options, c10::intrusive_ptr<Backend::Options>>(
      module, "Options", "Options of a process group over Motet.")
      .def(py::init<const std::string&, std::chrono::milliseconds>(), py::arg("name") = "motet",
           py::arg("timeout") = kBackendDefaultTimeout);
  py::class_<Backend, c10d::Backend, c10::intrusive_ptr<Backend>>(
      module, "Backend", "A process group over Motet; torch.distributed makes it.")
      .def(
          "perform_nocolor_split", [](Backend&, const at::Device&) {}, py::arg("device"),
          "PyTorch asks for it where a group is made without this rank: its members do all.");
  module.def("create", create, py::arg("store"), py::arg("group"), py::arg("rank"), py::arg("size"),
             py::arg("options"), py::call_guard<py::gil_scoped_release>(),
             "The backend of one rank of a group: returns once all ranks have asked for theirs.");
  py::module_::import("atexit").attr("register")(py::cpp_function(before_python_ends));
}
