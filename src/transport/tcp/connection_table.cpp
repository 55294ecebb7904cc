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
  if (dialler >= 0) watch(dialler, {.ptr = endpoint});
  connecting_.push_back(endpoint);
}

void ConnectionTable::connected(TcpEndpoint* endpoint, int socket) {
  watch(socket, {.ptr = endpoint});
  forget(connecting_, endpoint);
  connected_.push_back(endpoint);
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
  epoll_event event{.events = EPOLLIN, .data = {.u64 = lingering}};
  // If it fails, the socket is looked after at the very end.
  static_cast<void>(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event));
}

void ConnectionTable::watch_listener(int descriptor) {
  watch(descriptor, {.u64 = listener});
}

void ConnectionTable::watch(int descriptor, epoll_data_t what) {
  epoll_event event{.events = EPOLLIN, .data = what};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) != 0) {
    throw system_error("tcp: epoll_ctl", errno);
  }
}

std::span<const epoll_event> ConnectionTable::events() {
  const int count = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), 0);
  return {events_.data(), static_cast<std::size_t>(std::max(count, 0))};
}

}  // namespace motet::tcp
