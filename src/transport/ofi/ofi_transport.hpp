// Blocks over libfabric: whatever reliable datagrams one of its providers has, from Slingshot to
// TCP. docs/libfabric.md says how to choose.
//
// Whoever knows a job's secret is answered; what libfabric itself accepts connections from is its
// own affair (docs/security.md).
#pragma once

#include "transport/transport.hpp"

namespace motet {

extern const TransportInfo ofi_transport;

}  // namespace motet
