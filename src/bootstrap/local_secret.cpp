#include "bootstrap/local_secret.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>
#include <thread>

#include "base/error.hpp"
#include "net/poller.hpp"
#include "net/socket.hpp"

namespace motet {
namespace {

constexpr std::chrono::milliseconds retry{50};
constexpr std::chrono::seconds longest_answer{5};  // of somebody who is there

std::string name_of(int port) {
  return fmt::format("motet-secret-{}-{}", geteuid(), port);
}

// One attempt; `why` says what failed.
std::optional<Secret> ask(const std::string& name, const Deadline& deadline, std::string& why) {
  const SocketAddress address = parse_address("unix:" + name);
  const Descriptor socket = open_stream_socket(AF_UNIX);
  if (!socket || connect(socket.get(), address.get(), address.length) != 0) {
    why = std::generic_category().message(errno);
    return {};
  }
  // Somebody else may have taken the name: their secret would make us their ranks.
  if (!peer_is_same_user(socket.get())) {
    why = "belongs to another user";
    return {};
  }
  Secret secret{};
  std::size_t received = 0;
  while (received < secret.size()) {
    const bool ready = wait_for(socket.get(), POLLIN, deadline);
    const Moved got =
        read_some(socket.get(), std::as_writable_bytes(std::span(secret)).subspan(received));
    received += got.bytes;
    if (got.bytes == 0 && (got.broken() || !ready)) {
      why = got.broken() ? got.why() : "no answer";
      return {};
    }
  }
  return secret;
}

}  // namespace

LocalSecret::LocalSecret(const Secret& secret, int port)
    : secret_(secret), listening_(listen_on_name(name_of(port))) {}

void LocalSecret::advance() {
  constexpr int at_once = 64;  // the rest after the next poll
  for (int i = 0; i < at_once; ++i) {
    const int fd = accept4(listening_.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    const Descriptor socket(fd);
    // Fits into any socket's buffer, and is delivered although the socket is closed at once.
    if (peer_is_same_user(fd)) write_some(fd, std::as_bytes(std::span(secret_)));
  }
}

std::optional<Secret> try_local_secret(int port) {
  std::string why;
  return ask(name_of(port), Deadline::after(longest_answer), why);
}

Secret fetch_local_secret(int port, const Deadline& deadline) {
  const std::string name = name_of(port);
  std::string why;
  while (true) {
    if (const auto secret = ask(name, deadline, why)) return *secret;
    if (deadline.passed()) {
      throw Error(
          ErrorCode::timeout,
          fmt::format("asking rank 0 on this machine for the job's secret (abstract socket {}): {}",
                      name, why));
    }
    std::this_thread::sleep_for(std::min(retry, deadline.left()));
  }
}

}  // namespace motet
