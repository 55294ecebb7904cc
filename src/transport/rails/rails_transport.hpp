// Several NICs as one transport: a transport for each, and blocks dealt over them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "transport/rails/lane.hpp"
#include "transport/transport.hpp"

namespace motet {

// Of every rail that TransportOptions names, by TCP.
extern const TransportInfo rails_transport;

// `rails`: at least one, at most rails::most_rails; peers pair them by their order. Their
// transports must take blocks that are longer by a rails::Label. `name` is this rank's, for
// messages.
std::unique_ptr<Transport> join_rails(std::vector<rails::Rail> rails, const std::string& name);

}  // namespace motet
