// Sockets that accept connections from anybody; who they are is for others to find out.
#pragma once

#include <string>
#include <vector>

#include "net/address.hpp"
#include "net/descriptor.hpp"

namespace motet {

struct ListeningSocket {
  Descriptor socket;
  std::vector<Address> addresses;
};

// Port 0: any free one. Every interface, IPv6 and IPv4. Throws Error{system}, and
// Error{unavailable} when no interface is up; so there is at least one address.
ListeningSocket listen_on_tcp(int port);
// In the abstract namespace: it vanishes with the process. Throws Error{system}, also if the name
// is taken.
ListeningSocket listen_on_name(const std::string& name);

}  // namespace motet
