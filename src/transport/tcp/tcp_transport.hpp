// Blocks over TCP, IPv4 or IPv6: between hosts, and between any two ranks that share no memory.
//
// One authenticated connection per pair of engines, dialled by the one with the smaller identity.
// Each stream may have four blocks unconsumed at the peer; more make send() say "try again", so
// what a rank holds for its peers is bounded and no stream stands in another's way: whatever has
// arrived is always read.
#pragma once

#include "transport/transport.hpp"

namespace motet {

extern const TransportInfo tcp_transport;

}  // namespace motet
