// Reading another process's private memory by process_vm_readv.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "pair.hpp"

namespace motet_limits {

// `from` is an address in the peer. Throws std::system_error.
void pull_from(pid_t peer, float* to, const float* from, std::size_t count);

// Why that may not be done between these two; "" if it may. Collective.
std::string refusal_of_pulls(Pair& pair);

}  // namespace motet_limits
