#include "transport/tcp/connection_table.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/assert.hpp"
#include "base/error.hpp"

namespace motet::tcp {
namespace {

constexpr std::size_t events_at_once = 64;

void forget(std::vector<TcpEndpoint*>& endpoints, TcpEndpoint* endpoint) {
  const auto at = std::find(endpoints.begin(), endpoints.end(), endpoint);
  if (at == endpoints.end()) return;
  *at = endpoints.back();
  endpoints.pop_back();
}

}  // namespace

ConnectionTable::ConnectionTable()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), events_(events_at_once) {
  if (!epoll_) throw system_error("tcp: epoll_create1", errno);
}

ConnectionTable::~ConnectionTable() {
  // A peer that makes no calls for longer is not waited for.
  lingering_.finish(Deadline::after(std::chrono::seconds(1)));
}

void ConnectionTable::enter_connecting(TcpEndpoint* endpoint, int dialler) {
  const int error = dialler >= 0 ? watch(dialler, {.ptr = endpoint}) : 0;
  if (error != 0) throw system_error("tcp: epoll_ctl for a dialler", error);
  connecting_.push_back(endpoint);
}

int ConnectionTable::connected(TcpEndpoint* endpoint, int socket) {
  if (const int error = watch(socket, {.ptr = endpoint}); error != 0) return error;
  forget(connecting_, endpoint);
  connected_.push_back(endpoint);
  return 0;
}

void ConnectionTable::watch_writable(TcpEndpoint* endpoint, int socket, bool writable) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = endpoint}};
  if (writable) event.events |= EPOLLOUT;
  const int status = ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, socket, &event);
  MOTET_ASSERT(status == 0, "a connected socket is watched");
}

void ConnectionTable::leave(TcpEndpoint* endpoint, int socket) {
  forget(connecting_, endpoint);
  forget(connected_, endpoint);
  if (socket >= 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, socket, nullptr);
}

void ConnectionTable::linger(Descriptor socket) {
  const int fd = socket.get();
  if (!lingering_.add(std::move(socket))) return;
  // If it fails, the socket is looked after at the very end.
  static_cast<void>(watch(fd, {.u64 = lingering}));
}

void ConnectionTable::watch_listener(int descriptor) {
  const int error = watch(descriptor, {.u64 = listener});
  if (error != 0) throw system_error("tcp: epoll_ctl for the listener", error);
}

int ConnectionTable::watch(int descriptor, epoll_data_t what) {
  epoll_event event{.events = EPOLLIN, .data = what};
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0 ? 0 : errno;
}

std::span<const epoll_event> ConnectionTable::events() {
  const int count = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), 0);
  return {events_.data(), static_cast<std::size_t>(std::max(count, 0))};
}

}  // namespace motet::tcp
