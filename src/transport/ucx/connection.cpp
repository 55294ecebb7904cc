#include "transport/ucx/connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <thread>
#include <utility>

#include "base/log.hpp"

namespace motet::ucx {
namespace {

using messages::Envelope;

// Under way to one peer: enough for any fabric, and not much to hold.
constexpr std::size_t messages_limit = 512;
constexpr std::size_t bytes_limit = 8 << 20;

// What a kernel's buffers for a connection surely hold if the peer reads nothing.
constexpr std::size_t unproved_limit = 4096;

// For last words, of all connections that retire together. A peer that makes no call keeps them
// waiting.
constexpr std::chrono::milliseconds closing_patience(250);

// For what is cut off to end, which UCX does when it works the next time.
constexpr std::chrono::milliseconds cutting_patience(250);

class UcxWire final : public messages::Wire {
 public:
  explicit UcxWire(Connection& connection) : connection_(connection) {}
  UcxWire(const UcxWire&) = delete;
  UcxWire& operator=(const UcxWire&) = delete;
  ~UcxWire() override { connection_.retire(); }
  void set_owner(messages::WireOwner* owner) override { connection_.set_owner(owner); }
  bool has_room() const override { return connection_.has_room(); }
  void post(const Envelope& envelope, std::span<const std::byte> payload) override {
    connection_.post(envelope, payload);
  }
  bool idle() const override { return connection_.idle(); }

 private:
  Connection& connection_;
};

}  // namespace

// A message that UCX reads until it has gone.
struct Connection::Outgoing {
  // A copy.
  Outgoing(Connection& from, const Envelope& envelope, std::span<const std::byte> payload)
      : Outgoing(from, message_id, std::as_bytes(std::span(&envelope, 1)), payload) {
    if (payload.empty()) return;
    copy = from.all_.worker().pool().take(payload.size());
    std::memcpy(copy.get(), payload.data(), payload.size());
    data = {copy.get(), payload.size()};
  }
  // Where it lies.
  Outgoing(Connection& from, unsigned active_message, std::span<const std::byte> head,
           std::span<const std::byte> payload)
      : by(&from), id(active_message), header_bytes(head.size()), data(payload) {
    std::ranges::copy(head, header.begin());
  }

  Connection* by;
  unsigned id;
  std::array<std::byte, sizeof(Envelope)> header{};
  std::size_t header_bytes;
  std::span<const std::byte> data;
  flow::BufferPool::Buffer copy;
};

Connection::Connection(Connections& all, std::string_view peer_address)
    : all_(all), library_(all.worker().library()) {
  ucp_ep_params_t params{};
  params.field_mask = UCP_EP_PARAM_FIELD_REMOTE_ADDRESS | UCP_EP_PARAM_FIELD_ERR_HANDLING_MODE |
                      UCP_EP_PARAM_FIELD_ERR_HANDLER;
  params.address = reinterpret_cast<const ucp_address_t*>(peer_address.data());
  params.err_mode = UCP_ERR_HANDLING_MODE_PEER;
  params.err_handler.arg = this;
  params.err_handler.cb = [](void* broken, ucp_ep_h, ucs_status_t status) noexcept {
    static_cast<Connection*>(broken)->fail(status);
  };
  const ucs_status_t status = library_.ep_create(all_.worker().handle(), &params, &endpoint_);
  if (status != UCS_OK) fail(status);
}

bool Connection::has_room() const {
  return messages_ < messages_limit && bytes_ < bytes_limit;
}

void Connection::post(const Envelope& envelope, std::span<const std::byte> payload) {
  if (!failure_.empty()) return;
  unproved_bytes_ += sizeof envelope + payload.size();
  if (send_short(envelope, payload)) return;
  send(std::make_unique<Outgoing>(*this, envelope, payload));
}

void Connection::send_in_place(unsigned id, std::span<const std::byte> header,
                               std::span<const std::byte> data) {
  if (!failure_.empty()) return;
  unproved_bytes_ += header.size() + data.size();
  send(std::make_unique<Outgoing>(*this, id, header, data));
}

// True unless the message has to be kept for a while.
bool Connection::send_short(const Envelope& envelope, std::span<const std::byte> payload) {
  ucp_request_param_t param{};
  param.op_attr_mask = UCP_OP_ATTR_FLAG_FORCE_IMM_CMPL;
  void* request = library_.am_send(endpoint_, message_id, &envelope, sizeof envelope,
                                   payload.data(), payload.size(), &param);
  const ucs_status_t status = UCS_PTR_STATUS(request);
  if (status == UCS_ERR_NO_RESOURCE) return false;
  if (status != UCS_OK) fail(status);
  return true;
}

void Connection::send(std::unique_ptr<Outgoing> outgoing) {
  ++messages_;
  bytes_ += outgoing->data.size();
  ucp_request_param_t param{};
  param.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK | UCP_OP_ATTR_FIELD_USER_DATA;
  param.cb.send = [](void* request, ucs_status_t status, void* sent) noexcept {
    std::unique_ptr<Outgoing> mine(static_cast<Outgoing*>(sent));
    Connection& connection = *mine->by;
    connection.library_.request_free(request);
    connection.forget(std::move(mine), status);
  };
  param.user_data = outgoing.get();
  void* request =
      library_.am_send(endpoint_, outgoing->id, outgoing->header.data(), outgoing->header_bytes,
                       outgoing->data.data(), outgoing->data.size(), &param);
  if (UCS_PTR_IS_PTR(request)) {
    static_cast<void>(outgoing.release());  // the callback's
  } else {
    forget(std::move(outgoing), UCS_PTR_STATUS(request));
  }
}

void Connection::forget(std::unique_ptr<Outgoing> outgoing, ucs_status_t status) {
  --messages_;
  bytes_ -= outgoing->data.size();
  if (status != UCS_OK) fail(status);
}

bool Connection::idle() {
  if (!failure_.empty()) return true;
  if (messages_ == 0 && unproved_bytes_ > unproved_limit) probe();
  return messages_ == 0;
}

// UCX says that a message has gone when it has put it into a buffer of its own; but the next one
// goes only after that. (A flush would wait for the peer, who may be away.)
void Connection::probe() {
  auto empty = std::make_unique<Outgoing>(*this, Envelope{}, std::span<const std::byte>());
  empty->header_bytes = 0;
  send(std::move(empty));
  unproved_bytes_ = 0;
}

void Connection::retire() {
  owner_ = nullptr;
  retired_ = true;
  all_.want_sweep();
  all_.linger([this] { return gone(); });
}

void Connection::close(Close how) {
  if (std::exchange(closed_, true) || endpoint_ == nullptr) return;
  ucp_request_param_t param{};
  if (how == Close::by_force) {
    param.op_attr_mask = UCP_OP_ATTR_FIELD_FLAGS;
    param.flags = UCP_EP_CLOSE_FLAG_FORCE;
  }
  void* request = library_.ep_close(endpoint_, &param);
  if (UCS_PTR_IS_PTR(request)) closing_ = request;
}

bool Connection::gone() {
  if (!retired_) return false;
  if (!failure_.empty()) close(Close::by_force);
  if (messages_ == 0 && all_.worker().quiet()) close(Close::by_flush);
  if (!closed_ || messages_ > 0) return false;
  if (closing_ == nullptr) return true;
  if (library_.request_check_status(closing_) == UCS_INPROGRESS) return false;
  library_.request_free(std::exchange(closing_, nullptr));
  return true;
}

// A flush that has begun is not cut short: UCX 1.13 aborts when it hears of one over TCP that it
// has given up.
void Connection::abandon() {
  close(Close::by_force);
  if (failure_.empty()) failure_ = "ucx: abandoned";  // so that nobody is told any more
  if (closing_ != nullptr) library_.request_free(std::exchange(closing_, nullptr));
}

void Connection::cut_off(const std::function<bool()>& done) {
  if (done() && messages_ == 0) return;
  if (failure_.empty()) {
    failure_ = "ucx: closed, because memory was still being read after an operation had failed";
  }
  all_.want_sweep();
  close(Close::by_force);
  const bool ended =
      all_.work_until([&] { return done() && messages_ == 0; }, Deadline::after(cutting_patience));
  if (ended) return;
  log(LogLevel::error, "transport=ucx event=\"memory of a failed operation is still being read\"");
}

void Connection::fail(ucs_status_t status) {
  if (!failure_.empty()) return;
  failure_ = fmt::format("ucx: {}", library_.status_string(status));
  all_.want_sweep();
}

bool Connection::tell_failure() {
  if (owner_ == nullptr || failure_.empty()) return false;
  std::exchange(owner_, nullptr)->lose(failure_);
  return true;
}

Connections::Connections(Worker& worker) : worker_(worker), patience_(closing_patience) {}

std::unique_ptr<messages::Wire> Connections::connect(std::string_view peer_address) {
  all_.push_back(std::make_unique<Connection>(*this, peer_address));
  return std::make_unique<UcxWire>(*all_.back());
}

bool Connections::sweep() {
  if (!std::exchange(wants_sweep_, false)) return false;
  bool changed = false;
  for (const auto& connection : all_) changed |= connection->tell_failure();
  changed |= std::erase_if(all_, [](const auto& connection) { return connection->gone(); }) > 0;
  for (const auto& connection : all_) wants_sweep_ |= connection->retired();
  if (!wants_sweep_) patience_ = closing_patience;  // for those that retire together another time
  return changed;
}

Connections::~Connections() {
  linger([this] {
    sweep();
    return all_.empty() && worker_.quiet();
  });
  bool sending = false;
  for (auto& connection : all_) {
    sending |= connection->has_unfinished();
    connection->abandon();
    worker_.keep(std::move(connection));
  }
  // What was being fetched is given up when UCX works once more.
  patience_ = sending ? Clock::duration(0) : closing_patience;
  linger([this] { return worker_.quiet(); });
  while (worker_.has_arrivals()) static_cast<void>(worker_.take());
}

void Connections::linger(const std::function<bool()>& done) {
  const Clock::time_point began = Clock::now();
  static_cast<void>(work_until(done, Deadline::after(patience_)));
  patience_ -= std::min(patience_, Clock::now() - began);
}

bool Connections::work_until(const std::function<bool()>& done, const Deadline& deadline) {
  while (!done()) {
    if (deadline.passed()) return false;
    if (!worker_.progress()) std::this_thread::yield();
  }
  return true;
}

}  // namespace motet::ucx
