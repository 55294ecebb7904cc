// What the functions that bind a collective's arguments have in common. With the GIL held.
#pragma once

#include <optional>

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

// All throw InvalidArgument, or TypeError, that names the argument and what is wrong with it.

// x to read and out to write, of one type.
Arrays apart(const Given& x, const Given& out, const Where& where);
// Equally long, too; in place without out.
Arrays alike(const Given& x, const Given& out, const Where& where);

// That premul_sum needs, and no other operation takes; 0 there.
double scale_for(const OpName& op, const std::optional<double>& scale, const Where& where);

}  // namespace motet::python
