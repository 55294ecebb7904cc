// Names of operations, where arguments are ReduceOps.
#pragma once

#include <motet/motet.h>
#include <nanobind/nanobind.h>

#include <string>

namespace motet::python {

// "sum": an argument, not looked at yet.
struct OpName {
  std::string text;
};

// Throws InvalidArgument that lists them.
motet_op op_from(const OpName& name);

}  // namespace motet::python

namespace nanobind::detail {

template <>
struct type_caster<motet::python::OpName> {
  NB_TYPE_CASTER(motet::python::OpName, const_name("motet._types.ReduceOp"))
  bool from_python(handle source, std::uint8_t, cleanup_list*) noexcept {
    const char* const text = PyUnicode_AsUTF8(source.ptr());
    if (text == nullptr) {
      PyErr_Clear();
      return false;
    }
    value.text = text;
    return true;
  }
};

}  // namespace nanobind::detail
