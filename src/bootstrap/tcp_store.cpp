#include <fmt/core.h>
#include <fmt/ranges.h>
#include <poll.h>

#include <utility>

#include "base/error.hpp"
#include "bootstrap/store.hpp"
#include "bootstrap/store_messages.hpp"
#include "net/framed_socket.hpp"
#include "net/handshake.hpp"
#include "net/poller.hpp"

namespace motet {
namespace {

using namespace std::chrono_literals;

constexpr auto longest_answer = 60s;  // to what the server does at once
constexpr auto longest_cancel = 5s;

struct Reply {
  StoreReply kind{};
  std::string value;
};

class TcpStore final : public Store {
 public:
  TcpStore(Descriptor socket, std::string server)
      : socket_(std::move(socket), longest_store_frame), server_(std::move(server)) {}

  void set(const std::string& key, std::string_view value) override {
    check_entry(key, value);
    call(StoreCall::set, key, value);
  }

  std::string get(const std::string& key, const Deadline& deadline) override {
    check_entry(key, {});
    socket_.send(store_request(StoreCall::get, key));
    auto reply = receive(deadline);
    if (!reply) {
      socket_.send(store_request(StoreCall::cancel, key));
      reply = receive(Deadline::after(longest_cancel));
    }
    if (!reply) throw silent(StoreCall::get, key);
    if (reply->kind == StoreReply::cancelled) throw missing_key(key, "on the server " + server_);
    return std::move(reply->value);
  }

  bool try_get(const std::string& key, std::string* value) override {
    check_entry(key, {});
    Reply reply = call(StoreCall::try_get, key, {});
    *value = std::move(reply.value);
    return reply.kind == StoreReply::value;
  }

  long add(const std::string& key, long amount) override {
    check_entry(key, {});
    const auto sum = counter_sum(call(StoreCall::add, key, std::to_string(amount)).value, 0);
    if (!sum) throw no_counter(key);
    return *sum;
  }

 private:
  Reply call(StoreCall what, const std::string& key, std::string_view value) {
    socket_.send(store_request(what, key, value));
    auto reply = receive(Deadline::after(longest_answer));
    if (!reply) throw silent(what, key);
    if (reply->kind == StoreReply::rejected) {
      throw Error(ErrorCode::invalid_argument, reply->value);
    }
    return std::move(*reply);
  }

  // Nothing when the deadline has passed. Throws Error{unavailable}.
  std::optional<Reply> receive(const Deadline& deadline) {
    while (true) {
      if (auto frame = socket_.receive()) {
        WireReader reader(*frame);
        const auto kind = static_cast<StoreReply>(reader.number<std::uint8_t>());
        return Reply{kind, std::string(reader.rest())};
      }
      socket_.flush();
      if (socket_.broken()) {
        throw Error(ErrorCode::unavailable,
                    fmt::format("store: connection to {}: {}", server_, socket_.why()));
      }
      const auto wishes = static_cast<short>(socket_.has_unsent() ? POLLIN | POLLOUT : POLLIN);
      if (!wait_for(socket_.descriptor(), wishes, deadline)) return {};
    }
  }

  // After this, a late reply would be taken for the next call's.
  Error silent(StoreCall what, const std::string& key) {
    socket_ = FramedSocket({}, 0);
    return Error(ErrorCode::timeout,
                 fmt::format("store: {} of key '{}': the server {} does not answer", name(what),
                             key, server_));
  }

  static const char* name(StoreCall call) {
    switch (call) {
      case StoreCall::set:
        return "set";
      case StoreCall::get:
        return "get";
      case StoreCall::try_get:
        return "try_get";
      case StoreCall::add:
        return "add";
      case StoreCall::cancel:
        return "cancel";
    }
    return "call";
  }

  FramedSocket socket_;
  std::string server_;
};

}  // namespace

std::unique_ptr<Store> tcp_store(const std::vector<Address>& server, const Credentials& credentials,
                                 const Deadline& deadline) {
  Dialler dialler({server, Purpose::store, Identity::random(), {}}, credentials);
  auto connection = dialler.wait(deadline);
  if (!connection) {
    throw Error(ErrorCode::timeout,
                fmt::format("store: no connection to rank 0: {}", dialler.problem()));
  }
  return std::make_unique<TcpStore>(std::move(connection->socket),
                                    fmt::format("{}", fmt::join(server, ", ")));
}

}  // namespace motet
