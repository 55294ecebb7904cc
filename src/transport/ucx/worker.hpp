// The UCX worker of one engine: what arrives at it, and its sleep.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "transport/flow/buffer_pool.hpp"
#include "transport/messages/wire.hpp"
#include "transport/ucx/library.hpp"

namespace motet::ucx {

// The active message that carries everything: the envelope as its header, the payload as its data.
inline constexpr unsigned message_id = 0;

class Connection;
class Worker;

// A message whose payload does not lie in UCX's memory.
struct Landing {
  Worker* worker;
  messages::Envelope envelope;
  std::size_t bytes;
  flow::BufferPool::Buffer payload;
};

struct Landings : messages::Lender {
  flow::BufferPool pool;
  void take_back(void* landing) noexcept override { delete static_cast<Landing*>(landing); }
};

// Held by its transport and by the messages that lie in UCX's memory, which it lends. Handed to UCX
// by address.
class Worker : public messages::Lender, public std::enable_shared_from_this<Worker> {
 public:
  // Messages with longer payloads lose them. Throws Error{unavailable}.
  explicit Worker(std::size_t longest_payload);
  ~Worker() override;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  const Library& library() const { return library_; }
  ucp_worker* handle() const { return worker_.get(); }
  const std::string& address() const { return address_; }
  int descriptor() const { return descriptor_; }
  bool has_rdma() const { return ucx::has_rdma(library_, context_); }
  flow::BufferPool& pool() { return landings_->pool; }

  // Lets UCX work. True if it did anything.
  bool progress() { return library_.worker_progress(worker_.get()) != 0; }
  // From now on the descriptor tells of anything new, except of what take() has to give.
  void arm();
  // UCX may call it until the worker is closed.
  void keep(std::unique_ptr<Connection> connection);
  bool has_arrivals() const { return !arrived_.empty(); }
  messages::Message take();
  // Whether nothing is being fetched.
  bool quiet() const { return fetches_ == 0; }
  // Somebody else fetches through it.
  void fetch_begins() { ++fetches_; }
  void fetch_ends() { --fetches_; }

  void take_back(void* data) noexcept override { library_.am_data_release(worker_.get(), data); }

 private:
  ucs_status_t arrive(std::span<const std::byte> header, void* data, std::size_t bytes,
                      std::uint64_t attributes);
  ucs_status_t fetch(std::unique_ptr<Landing> landing, void* descriptor);
  void land(std::unique_ptr<Landing> landing);

  std::vector<std::unique_ptr<Connection>> kept_;
  const Library library_ = load_library();
  const std::size_t longest_payload_;
  const std::shared_ptr<Landings> landings_ = std::make_shared<Landings>();
  Context context_ = open_context(library_);
  WorkerHandle worker_ = open_worker(library_, context_);
  const std::string address_ = address_of(library_, worker_);
  int descriptor_ = -1;
  std::deque<messages::Message> arrived_;
  std::size_t fetches_ = 0;
};

}  // namespace motet::ucx
