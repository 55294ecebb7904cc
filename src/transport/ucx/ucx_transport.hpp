// Blocks over UCX: InfiniBand, RoCE and what else it drives, or shared memory and TCP where it
// finds nothing better. Each block is an active message; large ones are fetched by the receiver
// (rendezvous), whose memory they need only then.
//
// One UCX worker per engine, one UCX endpoint per peer. UCX is loaded when the user names it; the
// user's UCX_... variables say which devices and protocols it uses (docs/ucx.md).
#pragma once

#include "transport/transport.hpp"

namespace motet {

extern const TransportInfo ucx_transport;

}  // namespace motet
