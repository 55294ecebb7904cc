// Shared memory between the ranks of one machine, processes or threads.
#pragma once

#include "transport/transport.hpp"

namespace motet {

extern const TransportInfo shm_transport;

}  // namespace motet
