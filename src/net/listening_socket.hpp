// Sockets that accept connections from anybody; who they are is for others to find out.
#pragma once

#include <string>
#include <vector>

#include "base/ports.hpp"
#include "net/address.hpp"
#include "net/descriptor.hpp"

namespace motet {

struct ListeningSocket {
  Descriptor socket;
  std::vector<Address> addresses;
};

// Where to listen.
struct ListenOn {
  std::string interfaces{};  // whose addresses are told (net/interfaces.hpp); empty: of all
  PortRange ports{};
};

// IPv6 and IPv4, on the first port of the range that is free. Throws Error{system}, also when all
// ports are taken; Error{invalid_argument} as local_addresses() does; and Error{unavailable} when
// no interface is up; so there is at least one address.
ListeningSocket listen_on_tcp(const ListenOn& where);
// In the abstract namespace: it vanishes with the process. Throws Error{system}, also if the name
// is taken.
ListeningSocket listen_on_name(const std::string& name);

}  // namespace motet
