// What the functions that bind a collective's arguments have in common. With the GIL held.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "errors.hpp"
#include "op.hpp"
#include "request.hpp"

namespace motet::python {

inline Array read(const Given& given, const Where& where, const char* name) {
  return {given, Array::Access::read, where, name};
}
inline Array write(const Given& given, const Where& where, const char* name) {
  return {given, Array::Access::write, where, name};
}

// Throws InvalidArgument that names both types.
void require_same_type(const Array& x, const Array& out, const Where& where);

// With the scale that premul_sum needs, and no other operation takes; throws InvalidArgument.
Call scaled(Call call, const OpName& op, const std::optional<double>& scale, const Where& where);

// The arrays by reference: they move only after `make` has been given what it needs of them.
template <class Make>
Call bind(Make&& make, Array&& x, Array&& out = {}) {
  Call call{std::forward<Make>(make), {}};
  call.arrays.push_back(std::move(x));
  call.arrays.push_back(std::move(out));
  return call;
}

}  // namespace motet::python
