// Descriptors from calls that may fail.
#pragma once

#include <cerrno>

#include "base/error.hpp"
#include "net/descriptor.hpp"

namespace motet {

// Empty when the call has failed; errno says why.
inline Descriptor own(int fd) {
  return fd < 0 ? Descriptor() : Descriptor(fd);
}

// Throws Error{system} that names the call.
inline Descriptor own(int fd, const char* call) {
  if (fd < 0) throw system_error(call, errno);
  return Descriptor(fd);
}

}  // namespace motet
