#include "net/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <fstream>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "net/interfaces.hpp"

namespace motet {
namespace {

using Interfaces = Handle<ifaddrs, freeifaddrs>;
using HostInfo = Handle<addrinfo, freeaddrinfo>;

Interfaces list_interfaces() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) throw system_error("getifaddrs", errno);
  return Interfaces(list);
}

// "[fe80::1%eth0]:4711"; empty if it is no IP address.
Address to_text(const sockaddr* address, int port) {
  std::array<char, NI_MAXHOST> host{};
  const bool ip6 = address->sa_family == AF_INET6;
  if (!ip6 && address->sa_family != AF_INET) return {};
  const auto length = static_cast<socklen_t>(ip6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
  if (getnameinfo(address, length, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) != 0)
    return {};
  return fmt::format(fmt::runtime(ip6 ? "[{}]:{}" : "{}:{}"), host.data(), port);
}

// The most promising first: link-local addresses need the same interface name at the other end, and
// loopback reaches only this machine.
int distance(const ifaddrs& entry) {
  if ((entry.ifa_flags & IFF_LOOPBACK) != 0) return 2;
  if (entry.ifa_addr->sa_family != AF_INET6) return 0;
  const auto* address = reinterpret_cast<const sockaddr_in6*>(entry.ifa_addr);
  return IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr) ? 1 : 0;
}

std::string namespace_of(const char* kind) {
  std::array<char, 64> target{};
  const std::string path = fmt::format("/proc/self/ns/{}", kind);
  const ssize_t length = readlink(path.c_str(), target.data(), target.size());
  return length > 0 ? std::string(target.data(), static_cast<std::size_t>(length)) : "?";
}

}  // namespace

std::string host_part(const Address& address) {
  std::string host = address.substr(0, address.rfind(':'));
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return host;
}

std::vector<Address> local_addresses(int port, const std::string& interfaces) {
  const Interfaces all = list_interfaces();
  std::vector<std::pair<int, Address>> found;
  std::set<std::string> others;
  for (const ifaddrs* entry = all.get(); entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
    Address text = to_text(entry->ifa_addr, port);
    if (text.empty()) continue;
    if (is_chosen(interfaces, entry->ifa_name)) {
      found.emplace_back(distance(*entry), std::move(text));
    } else {
      others.insert(entry->ifa_name);
    }
  }
  if (found.empty() && !others.empty()) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("no network interface fits \"{}\"; up are {}", interfaces,
                            fmt::join(others, ", ")));
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Address> result;
  result.reserve(found.size());
  for (auto& [ignored, text] : found) result.push_back(std::move(text));
  return result;
}

bool has_address(const std::string& interface) {
  const Interfaces all = list_interfaces();
  for (const ifaddrs* entry = all.get(); entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
    if (interface == entry->ifa_name && !to_text(entry->ifa_addr, 0).empty()) return true;
  }
  return false;
}

std::vector<Address> resolve(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int failure = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (failure != 0) {
    throw Error(ErrorCode::unavailable, fmt::format("host '{}': {}", host, gai_strerror(failure)));
  }
  const HostInfo info(list);
  std::vector<Address> result;
  for (const addrinfo* entry = info.get(); entry != nullptr; entry = entry->ai_next) {
    Address text = to_text(entry->ai_addr, port);
    if (std::find(result.begin(), result.end(), text) == result.end())
      result.push_back(std::move(text));
  }
  return result;
}

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

std::string machine_identity() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  return fmt::format("{} {} {} {} {}", boot, namespace_of("ipc"), namespace_of("net"),
                     namespace_of("pid"), namespace_of("user"));
}

}  // namespace motet
