// Wraps any transport and makes it behave as badly as its contract allows: for tests.
#pragma once

#include <memory>

#include "transport/fault/fault_plan.hpp"
#include "transport/transport.hpp"

namespace motet {

// Arrivals come late and in another order (that inside a stream is kept), send() says "try again"
// for no reason, endpoints fail. A killed endpoint is silent in both directions: what it had
// received is gone, and its peer sees it die. Abilities of the inner transport are hidden, so that
// everything goes through send() and front(). The plan is logged, with its seed, as a warning.
// Throws Error{system}.
std::unique_ptr<Transport> inject_faults(std::unique_ptr<Transport> inner, const FaultPlan& plan,
                                         const std::string& name);

}  // namespace motet
