// Failures as Python exceptions: the classes of motet/_errors.py. With the GIL held.
#pragma once

#include <motet/motet.h>
#include <nanobind/nanobind.h>

#include <string>

namespace motet::python {

namespace nb = nanobind;

// Once, when the module is made: finds the classes.
void find_errors();

// How a call of motet.h ended, with its text, which the next call in this thread would replace.
// Made without the GIL.
struct Outcome {
  motet_status status = motet_ok;
  std::string text;

  Outcome() = default;
  Outcome(motet_status result)  // NOLINT(google-explicit-constructor): a status in short
      : status(result), text(result == motet_ok ? "" : motet_last_error()) {}
};

// What `make`, which calls motet.h, gives without the GIL.
template <class Make>
Outcome without_gil(Make&& make) {
  const nb::gil_scoped_release free;
  return make();
}

// Throws unless it went well. What a signal handler has thrown meanwhile, such as
// KeyboardInterrupt, comes first.
void check(const Outcome& outcome);

// Throws InvalidArgument.
[[noreturn]] void refuse(const std::string& text);
[[noreturn]] void refuse_type(const std::string& text);  // TypeError

}  // namespace motet::python
