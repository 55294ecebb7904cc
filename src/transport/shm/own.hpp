// Descriptors from calls that may fail.
#pragma once

#include "net/descriptor.hpp"

namespace motet::shm {

// Empty when the call has failed; errno says why.
inline Descriptor own(int fd) {
  return fd < 0 ? Descriptor() : Descriptor(fd);
}

}  // namespace motet::shm
