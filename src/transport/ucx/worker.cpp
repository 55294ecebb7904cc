#include "transport/ucx/worker.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "transport/ucx/connection.hpp"

namespace motet::ucx {

using messages::Envelope;
using messages::Loan;
using messages::Message;

Worker::Worker(std::size_t longest_payload) : longest_payload_(longest_payload) {
  check(library_, library_.worker_get_efd(worker_.get(), &descriptor_), "ucp_worker_get_efd");
  ucp_am_handler_param_t handler{};
  handler.field_mask = UCP_AM_HANDLER_PARAM_FIELD_ID | UCP_AM_HANDLER_PARAM_FIELD_CB |
                       UCP_AM_HANDLER_PARAM_FIELD_ARG;
  handler.id = message_id;
  handler.arg = this;
  handler.cb = [](void* worker, const void* header, std::size_t header_bytes, void* data,
                  std::size_t bytes, const ucp_am_recv_param_t* param) noexcept {
    return static_cast<Worker*>(worker)->arrive(
        {static_cast<const std::byte*>(header), header_bytes}, data, bytes, param->recv_attr);
  };
  check(library_, library_.worker_set_am_recv_handler(worker_.get(), &handler),
        "ucp_worker_set_am_recv_handler");
}

// UCX aborts the program if it is destroyed with something unfinished, as what it fetches from a
// peer that is gone: then it stays.
Worker::~Worker() {
  const bool unfinished = std::ranges::any_of(
      kept_, [](const auto& connection) { return connection->has_unfinished(); });
  if (quiet() && !unfinished) return;
  static_cast<void>(worker_.release());
  static_cast<void>(context_.release());
  for (auto& connection : kept_) static_cast<void>(connection.release());
}

void Worker::keep(std::unique_ptr<Connection> connection) {
  kept_.push_back(std::move(connection));
}

void Worker::arm() {
  // What arrives meanwhile keeps its rank awake; arming can wait until it is taken.
  while (arrived_.empty() && library_.worker_arm(worker_.get()) == UCS_ERR_BUSY) progress();
}

Message Worker::take() {
  Message message = std::move(arrived_.front());
  arrived_.pop_front();
  return message;
}

ucs_status_t Worker::arrive(std::span<const std::byte> header, void* data, std::size_t bytes,
                            std::uint64_t attributes) {
  Envelope envelope;
  if (header.size() != sizeof envelope) return UCS_OK;  // a probe, or a stranger's
  std::memcpy(&envelope, header.data(), sizeof envelope);
  if (bytes > longest_payload_) {
    arrived_.push_back({envelope, {}, {}});
    return UCS_OK;
  }
  if ((attributes & UCP_AM_RECV_ATTR_FLAG_DATA) != 0) {
    arrived_.push_back(
        {envelope, {static_cast<const std::byte*>(data), bytes}, Loan(shared_from_this(), data)});
    return UCS_INPROGRESS;
  }
  std::unique_ptr<Landing> landing(new Landing{this, envelope, bytes, landings_->pool.take(bytes)});
  if ((attributes & UCP_AM_RECV_ATTR_FLAG_RNDV) != 0) return fetch(std::move(landing), data);
  if (bytes > 0) std::memcpy(landing->payload.get(), data, bytes);
  land(std::move(landing));
  return UCS_OK;
}

ucs_status_t Worker::fetch(std::unique_ptr<Landing> landing, void* descriptor) {
  ucp_request_param_t param{};
  param.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK | UCP_OP_ATTR_FIELD_USER_DATA;
  param.cb.recv_am = [](void* request, ucs_status_t status, std::size_t, void* fetched) noexcept {
    std::unique_ptr<Landing> mine(static_cast<Landing*>(fetched));
    Worker& worker = *mine->worker;
    worker.library_.request_free(request);
    --worker.fetches_;
    // If it fails, its sender is lost, of which the endpoint hears.
    if (status == UCS_OK) worker.land(std::move(mine));
  };
  param.user_data = landing.get();
  void* request = library_.am_recv_data(worker_.get(), descriptor, landing->payload.get(),
                                        landing->bytes, &param);
  if (request == nullptr) {
    land(std::move(landing));
  } else if (!UCS_PTR_IS_ERR(request)) {
    static_cast<void>(landing.release());  // the callback's
    ++fetches_;
  }
  return UCS_INPROGRESS;
}

void Worker::land(std::unique_ptr<Landing> landing) {
  const std::span<const std::byte> payload(landing->payload.get(), landing->bytes);
  const Envelope envelope = landing->envelope;
  arrived_.push_back({envelope, payload, Loan(landings_, landing.release())});
}

}  // namespace motet::ucx
