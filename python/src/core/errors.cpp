#include "errors.hpp"

#include <array>

namespace motet::python {
namespace {

// By status. The classes live as long as the interpreter.
std::array<PyObject*, 7>& classes() {
  static std::array<PyObject*, 7> all{};
  return all;
}

[[noreturn]] void raise(PyObject* type, const std::string& text) {
  PyErr_SetString(type, text.c_str());
  throw nb::python_error();
}

}  // namespace

void find_errors() {
  constexpr std::array names{"Error",    "InvalidArgument", "Unavailable", "Timeout",
                             "PeerLost", "Aborted",         "SystemError"};
  const nb::object errors = nb::module_::import_("motet._errors");
  for (std::size_t status = 0; status < names.size(); ++status) {
    classes().at(status) = nb::object(errors.attr(names.at(status))).release().ptr();
  }
}

void check(const Outcome& outcome) {
  if (PyErr_Occurred() != nullptr) throw nb::python_error();
  if (outcome.status == motet_ok) return;
  const auto status = static_cast<std::size_t>(outcome.status);
  raise(classes().at(status < classes().size() ? status : 0), outcome.text);
}

void refuse(const std::string& text) {
  raise(classes().at(motet_invalid_argument), text);
}

void refuse_type(const std::string& text) {
  raise(PyExc_TypeError, text);
}

}  // namespace motet::python
