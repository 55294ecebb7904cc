#include <fmt/core.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "base/log.hpp"
#include "bootstrap/local_secret.hpp"
#include "bootstrap/store.hpp"
#include "bootstrap/store_messages.hpp"
#include "bootstrap/store_rules.hpp"
#include "net/framed_socket.hpp"
#include "net/handshake.hpp"
#include "net/poller.hpp"
#include "net/socket.hpp"

namespace motet {
namespace {

using Value = std::shared_ptr<const std::string>;

constexpr std::size_t most_clients = 64 * 1024;

struct Client {
  explicit Client(Descriptor descriptor) : socket(std::move(descriptor), longest_store_frame) {}

  FramedSocket socket;
  std::optional<std::string> waits_for;  // parked in a get
};

struct Request {
  StoreCall call{};
  std::string key, value;
};

std::optional<Request> decode(const std::string& frame) {
  WireReader reader(frame);
  Request request;
  request.call = static_cast<StoreCall>(reader.number<std::uint8_t>());
  request.key = reader.text();
  request.value = reader.text();
  const bool sane = reader.complete() && request.call <= StoreCall::cancel &&
                    !request.key.empty() && request.key.size() <= longest_key &&
                    request.value.size() <= longest_value;
  return sane ? std::optional(std::move(request)) : std::nullopt;
}

void answer(Client& client, StoreReply reply, Value value = nullptr) {
  client.socket.send(WireWriter().number(static_cast<std::uint8_t>(reply)).take(),
                     std::move(value));
}

}  // namespace

// Everything but stop_ and dropped_ belongs to the thread once it runs.
class StoreServer::State {
 public:
  State(const Credentials& credentials, const ListenOn& where,
        const std::optional<Secret>& shared_secret)
      : listener_(Listener::tcp(where)), addresses_(listener_.addresses()) {
    listener_.admit(credentials, Identity());
    poller_.add(bell_.descriptor(), EPOLLIN, bell_tag);
    poller_.add(listener_.descriptor(), EPOLLIN, listener_tag);
    if (shared_secret) {
      local_secret_.emplace(*shared_secret, port_of(parse_address(addresses_.front())));
      poller_.add(local_secret_->descriptor(), EPOLLIN, secret_tag);
    }
    thread_ = std::thread([this] { serve(); });
    pthread_setname_np(thread_.native_handle(), "motet-store");
  }

  ~State() {
    stop_.store(true);
    bell_.ring();
    // A forked child has no such thread to wait for.
    is_forked_child() ? thread_.detach() : thread_.join();
  }

  const std::vector<Address>& addresses() const { return addresses_; }
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  void serve();
  void advance(std::uint64_t tag);
  void accept_clients();
  void serve_client(std::uint64_t tag, Client& client);
  void handle(std::uint64_t tag, Client& client, Request request);
  void get(std::uint64_t tag, Client& client, std::string key);
  void add(Client& client, const Request& request);
  void cancel(std::uint64_t tag, Client& client);
  void put(const std::string& key, Value value);
  void drop(std::uint64_t tag);
  void stop_waiting(std::uint64_t tag, Client& client);
  void wish(std::uint64_t tag, const Client& client);

  static constexpr std::uint64_t bell_tag = 0, listener_tag = 1, secret_tag = 2, first_client = 3;

  Poller poller_;
  Bell bell_;
  Listener listener_;
  std::vector<Address> addresses_;
  std::optional<LocalSecret> local_secret_;
  std::map<std::uint64_t, Client> clients_;
  std::uint64_t next_tag_ = first_client;
  std::map<std::string, Value> values_;
  std::map<std::string, std::vector<std::uint64_t>> waiting_;  // clients by the key they wait for
  std::atomic<bool> stop_{false};                              // read after the bell's system call
  std::atomic<std::uint64_t> dropped_{0};                      // relaxed: a statistic
  std::thread thread_;
};

void StoreServer::State::serve() {
  while (!stop_.load()) {
    for (const Poller::Event event : poller_.wait(std::chrono::hours(1))) {
      // The top of the thread: whom there is no memory for is dropped, the others are served on.
      try {
        advance(event.tag);
      } catch (const std::exception& failure) {
        log(LogLevel::error,
            fmt::format("event=store_client_dropped cause=\"{}\"", failure.what()));
        drop(event.tag);
      }
    }
  }
}

void StoreServer::State::advance(std::uint64_t tag) {
  if (tag == listener_tag) accept_clients();
  if (tag == secret_tag) local_secret_->advance();
  const auto found = clients_.find(tag);
  if (found != clients_.end()) serve_client(tag, found->second);
}

void StoreServer::State::accept_clients() {
  for (Connection& connection : listener_.advance()) {
    if (connection.purpose != Purpose::store || clients_.size() >= most_clients) continue;
    const std::uint64_t tag = next_tag_++;
    if (!poller_.try_add(connection.socket.get(), EPOLLIN, tag)) continue;
    clients_.try_emplace(tag, std::move(connection.socket));
  }
  dropped_.store(listener_.dropped(), std::memory_order_relaxed);
}

void StoreServer::State::serve_client(std::uint64_t tag, Client& client) {
  client.socket.flush();
  // One reply at a time: who does not read gets nothing more to read.
  while (!client.socket.has_unsent()) {
    auto frame = client.socket.receive();
    if (!frame) break;
    auto request = decode(*frame);
    if (request) {
      handle(tag, client, std::move(*request));
    } else {
      answer(client, StoreReply::rejected,
             std::make_shared<const std::string>("store: malformed request"));
    }
  }
  client.socket.broken() ? drop(tag) : wish(tag, client);
}

void StoreServer::State::drop(std::uint64_t tag) {
  const auto found = clients_.find(tag);
  if (found == clients_.end()) return;
  stop_waiting(tag, found->second);
  poller_.remove(found->second.socket.descriptor());
  clients_.erase(found);
}

// A client that waits is read too: its cancel and its end must be seen.
void StoreServer::State::wish(std::uint64_t tag, const Client& client) {
  poller_.change(client.socket.descriptor(), client.socket.has_unsent() ? EPOLLOUT : EPOLLIN, tag);
}

void StoreServer::State::handle(std::uint64_t tag, Client& client, Request request) {
  switch (request.call) {
    case StoreCall::set:
      put(request.key, std::make_shared<const std::string>(std::move(request.value)));
      return answer(client, StoreReply::value);
    case StoreCall::get:
      return get(tag, client, std::move(request.key));
    case StoreCall::try_get: {
      const auto found = values_.find(request.key);
      if (found == values_.end()) return answer(client, StoreReply::absent);
      return answer(client, StoreReply::value, found->second);
    }
    case StoreCall::add:
      return add(client, request);
    case StoreCall::cancel:
      return cancel(tag, client);
  }
}

void StoreServer::State::get(std::uint64_t tag, Client& client, std::string key) {
  const auto found = values_.find(key);
  if (found != values_.end()) return answer(client, StoreReply::value, found->second);
  stop_waiting(tag, client);
  waiting_[key].push_back(tag);
  client.waits_for = std::move(key);
}

void StoreServer::State::add(Client& client, const Request& request) {
  const auto found = values_.find(request.key);
  const auto amount = counter_sum(request.value, 0);
  const std::string_view now = found == values_.end() ? std::string_view() : *found->second;
  const auto sum = counter_sum(now, amount.value_or(0));
  if (!amount || !sum) {
    return answer(client, StoreReply::rejected,
                  std::make_shared<const std::string>(no_counter(request.key).what()));
  }
  auto value = std::make_shared<const std::string>(std::to_string(*sum));
  put(request.key, value);
  answer(client, StoreReply::value, value);
}

void StoreServer::State::cancel(std::uint64_t tag, Client& client) {
  if (!client.waits_for) return;  // the value was on its way
  stop_waiting(tag, client);
  answer(client, StoreReply::cancelled);
}

void StoreServer::State::put(const std::string& key, Value value) {
  values_.insert_or_assign(key, value);
  const auto waiting = waiting_.extract(key);
  if (waiting.empty()) return;
  for (const std::uint64_t tag : waiting.mapped()) {
    Client& client = clients_.at(tag);
    client.waits_for.reset();
    answer(client, StoreReply::value, value);
    wish(tag, client);  // one that has broken meanwhile is found by its next event
  }
}

void StoreServer::State::stop_waiting(std::uint64_t tag, Client& client) {
  if (!client.waits_for) return;
  const auto found = waiting_.find(*client.waits_for);
  if (found != waiting_.end()) {  // not there: the key was set, but telling everybody failed
    std::erase(found->second, tag);
    if (found->second.empty()) waiting_.erase(found);
  }
  client.waits_for.reset();
}

StoreServer::StoreServer(const Credentials& credentials, const ListenOn& where,
                         const std::optional<Secret>& shared_secret)
    : state_(std::make_unique<State>(credentials, where, shared_secret)) {}
StoreServer::~StoreServer() = default;

std::vector<Address> StoreServer::addresses() const {
  return state_->addresses();
}
int StoreServer::port() const {
  return port_of(parse_address(state_->addresses().front()));
}
std::uint64_t StoreServer::dropped() const {
  return state_->dropped();
}

}  // namespace motet
