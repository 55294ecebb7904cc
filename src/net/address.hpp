// Where a listener can be reached: every address of every interface that is up, or an abstract Unix
// socket.
#pragma once

#include <string>
#include <vector>

namespace motet {

// Text: "10.0.0.7:4711", "[fe80::1%eth0]:4711", or "unix:NAME" in the abstract namespace.
using Address = std::string;
// "10.0.0.7", "fe80::1%eth0"
std::string host_part(const Address& address);

// This host's addresses (IPv4 and IPv6, loopback last), each with `port` appended: of the
// interfaces that are up and chosen (net/interfaces.hpp). Throws Error{invalid_argument}, naming
// those that are up, if none of them is chosen.
std::vector<Address> local_addresses(int port, const std::string& interfaces = {});
// The addresses of a host given by name or number, each with `port` appended. May ask DNS, so
// set-up only. Throws Error{unavailable} naming the host.
std::vector<Address> resolve(const std::string& host, int port);
// Whether an interface is up and has an address.
bool has_address(const std::string& interface);
std::string host_name();

// Identifies what two processes must share so that shared memory between them can work: boot id,
// and the ids of the IPC, network, PID and user namespaces. Equal text: worth trying.
std::string machine_identity();

}  // namespace motet
