#include "net/socket.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>
#include <system_error>

#include "base/error.hpp"
#include "net/own.hpp"

namespace motet {
namespace {

constexpr std::string_view unix_prefix = "unix:";

// A host that vanished silently is noticed in about 15 s by whoever waits for it, unless bytes are
// under way to it: then the kernel sends those again instead, for a quarter of an hour.
constexpr int keepalive_idle_s = 5, keepalive_interval_s = 2, keepalive_probes = 5;
static_assert(keepalive_idle_s + keepalive_interval_s * keepalive_probes ==
              longest_silence.count());

[[noreturn]] void reject(const Address& text) {
  throw Error(
      ErrorCode::invalid_argument,
      fmt::format("address '{}' is none of 10.0.0.7:4711, [fe80::1%eth0]:4711, unix:NAME", text));
}

template <class Sockaddr>
SocketAddress wrap(const Sockaddr& address, std::size_t length = sizeof(Sockaddr)) {
  static_assert(sizeof(Sockaddr) <= sizeof(sockaddr_storage));
  SocketAddress result;
  std::memcpy(&result.storage, &address, sizeof address);
  result.length = static_cast<socklen_t>(length);
  return result;
}

// Abstract: the name begins with a zero byte and has no file.
SocketAddress parse_unix(const Address& text) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string_view name = std::string_view(text).substr(unix_prefix.size());
  if (name.empty() || name.size() + 1 > sizeof address.sun_path) reject(text);
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  return wrap(address, offsetof(sockaddr_un, sun_path) + 1 + name.size());
}

std::optional<in_port_t> parse_port(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port < 1 || port > 65535)
    return {};
  return htons(static_cast<std::uint16_t>(port));
}

SocketAddress parse_ip4(const Address& text, const std::string& host, in_port_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = port;
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) reject(text);
  return wrap(address);
}

SocketAddress parse_ip6(const Address& text, const std::string& host, in_port_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = port;
  const std::size_t percent = host.find('%');
  if (inet_pton(AF_INET6, host.substr(0, percent).c_str(), &address.sin6_addr) != 1) reject(text);
  // An interface that does not exist here becomes scope 0: connecting then fails with the kernel's
  // reason.
  if (percent != std::string::npos) {
    address.sin6_scope_id = if_nametoindex(host.substr(percent + 1).c_str());
  }
  return wrap(address);
}

// A refused option costs latency or a later notice, nothing else.
void set(int fd, int level, int option, int value) noexcept {
  setsockopt(fd, level, option, &value, sizeof value);
}

Moved moved(ssize_t result, bool reading) noexcept {
  if (result > 0) return {.bytes = static_cast<std::size_t>(result)};
  if (result == 0) return {.closed = reading};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {};
  return {.error = errno};
}

}  // namespace

SocketAddress parse_address(const Address& text) {
  if (text.starts_with(unix_prefix)) return parse_unix(text);
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) reject(text);
  const auto port = parse_port(std::string_view(text).substr(colon + 1));
  if (!port) reject(text);
  if (text.front() != '[') return parse_ip4(text, text.substr(0, colon), *port);
  if (text[colon - 1] != ']') reject(text);
  return parse_ip6(text, text.substr(1, colon - 2), *port);
}

SocketAddress any_address(int family, int port) {
  const in_port_t network_port = htons(static_cast<std::uint16_t>(port));
  if (family == AF_INET) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = network_port;
    return wrap(address);
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = network_port;
  return wrap(address);
}

// The port is at the same place for both families.
int port_of(const SocketAddress& address) {
  sockaddr_in ip{};
  std::memcpy(&ip, &address.storage, sizeof ip);
  return ntohs(ip.sin_port);
}

Descriptor open_stream_socket(int family) {
  Descriptor result = own(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (result) tune_stream_socket(result.get(), family);
  return result;
}

void tune_stream_socket(int fd, int family) noexcept {
  if (family == AF_UNIX) return;
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_idle_s);
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, keepalive_interval_s);
  set(fd, IPPROTO_TCP, TCP_KEEPCNT, keepalive_probes);
}

std::string peer_host(int fd) {
  SocketAddress address;
  address.length = sizeof address.storage;
  std::array<char, NI_MAXHOST> host{};
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length) != 0 ||
      getnameinfo(address.get(), address.length, host.data(), host.size(), nullptr, 0,
                  NI_NUMERICHOST) != 0) {
    return {};
  }
  // An IPv4 connection of a socket for both.
  constexpr std::string_view mapped = "::ffff:";
  const std::string_view text = host.data();
  return std::string(text.starts_with(mapped) ? text.substr(mapped.size()) : text);
}

void limit_silence(int fd) noexcept {
  constexpr std::chrono::milliseconds longest = longest_silence;
  set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(longest.count()));
}

bool peer_is_silent(int fd) noexcept {
  // Waits double from 200 ms on: after six the host has been silent for 12.6 s at least.
  constexpr int attempts = 6;
  constexpr std::uint32_t silence_ms = 12'000;
  tcp_info info{};
  socklen_t length = sizeof info;
  return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 && info.tcpi_unacked > 0 &&
         info.tcpi_retransmits >= attempts && info.tcpi_last_ack_recv >= silence_ms;
}

bool peer_is_same_user(int fd) noexcept {
  ucred peer{};
  socklen_t length = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == geteuid();
}

std::string Moved::why() const {
  return closed ? "closed by the peer" : std::generic_category().message(error);
}

Moved read_some(int fd, std::span<std::byte> into) noexcept {
  return moved(recv(fd, into.data(), into.size(), 0), true);
}

Moved write_some(int fd, std::span<const std::byte> from) noexcept {
  return moved(send(fd, from.data(), from.size(), MSG_NOSIGNAL), false);
}

}  // namespace motet
