#include "transport/ucx/memory.hpp"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "net/handshake_messages.hpp"
#include "transport/ucx/connection.hpp"
#include "transport/ucx/worker.hpp"

namespace motet::ucx {

using messages::FabricRead;
using State = FabricRead::State;

namespace {

// A connection keeps the header of what is under way in as much.
static_assert(std::max(sizeof(Ask), sizeof(Reply)) <= sizeof(messages::Envelope));

// Nobody guesses it.
std::uint64_t random_number() {
  const Nonce nonce = fresh_nonce();
  std::uint64_t number = 0;
  std::memcpy(&number, nonce.data(), sizeof number);
  return number;
}

template <class Header>
bool parse(const void* header, std::size_t bytes, Header& parsed) {
  if (bytes != sizeof parsed) return false;
  std::memcpy(&parsed, header, sizeof parsed);
  return true;
}

}  // namespace

// What one peer may read.
struct Memory::Published {
  const Wire* by;
  Connection* to;
  std::span<const std::byte> bytes;
};

// As long as it lives, unless the table is cleared.
struct Memory::Hold {
  Hold(std::shared_ptr<Table> in, const Published& what) : table(std::move(in)), published(what) {
    table->emplace(key, &published);
  }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() { table->erase(key); }

  const std::shared_ptr<Table> table;
  const Published published;
  const std::uint64_t key = random_number();
};

class Memory::Wire final : public messages::MemoryWire {
 public:
  Wire(Memory& all, Connection& connection) : all_(all), connection_(connection) {}
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() override {
    give_up();
    std::erase_if(*all_.published_, [&](const auto& each) { return each.second->by == this; });
  }

  std::shared_ptr<const void> hold(const void* data, std::size_t bytes) override {
    const Published what{this, &connection_, {static_cast<const std::byte*>(data), bytes}};
    return std::make_shared<Hold>(all_.published_, what);
  }
  std::shared_ptr<const void> hold_target(void*, std::size_t) override { return nullptr; }
  std::optional<Location> locate(const void* data, std::size_t bytes) override;
  void start(std::shared_ptr<FabricRead> read) override;
  void give_up() override;
  void cut_off() override {
    give_up();
    connection_.cut_off([this] { return *fetches_ == 0; });
  }

 private:
  Memory& all_;
  Connection& connection_;
  // Replies that are landing, which may outlive it.
  const std::shared_ptr<std::size_t> fetches_ = std::make_shared<std::size_t>(0);
};

std::optional<Location> Memory::Wire::locate(const void* data, std::size_t bytes) {
  const auto* const first = static_cast<const std::byte*>(data);
  for (const auto& [key, published] : *all_.published_) {
    const std::span<const std::byte> range = published->bytes;
    const bool is_inside = first >= range.data() && first + bytes <= range.data() + range.size();
    if (published->by != this || !is_inside) continue;
    return Location{key, static_cast<std::uint64_t>(first - range.data())};
  }
  return {};
}

void Memory::Wire::start(std::shared_ptr<FabricRead> read) {
  if (connection_.has_failed()) return all_.end(*read, State::failed);
  const Ask ask{read->from.region, read->from.offset, read->bytes, random_number()};
  all_.pending_.emplace(ask.ticket, Pending{this, std::move(read), fetches_});
  connection_.send_in_place(ask_id, std::as_bytes(std::span(&ask, 1)), {});
}

// A reply that comes later finds no ticket.
void Memory::Wire::give_up() {
  std::erase_if(all_.pending_, [&](const auto& each) {
    const Pending& pending = each.second;
    if (pending.by == this) all_.end(*pending.read, State::failed);
    return pending.by == this;
  });
}

Memory::Memory(Worker& worker) : worker_(worker) {
  handle(ask_id, [](void* memory, const void* header, std::size_t header_bytes, void*, std::size_t,
                    const ucp_am_recv_param_t*) noexcept {
    Ask ask;
    // Whoever asks gets an answer only for what was published to him: strangers fill nothing.
    auto& mine = *static_cast<Memory*>(memory);
    if (parse(header, header_bytes, ask) && mine.published_->contains(ask.key)) {
      mine.asked_.push_back(ask);
    }
    return UCS_OK;
  });
  handle(reply_id, [](void* memory, const void* header, std::size_t header_bytes, void* data,
                      std::size_t bytes, const ucp_am_recv_param_t* param) noexcept {
    Reply reply;
    if (!parse(header, header_bytes, reply)) return UCS_OK;
    return static_cast<Memory*>(memory)->take(reply, data, bytes, param->recv_attr);
  });
}

Memory::~Memory() {
  handle(ask_id, nullptr);
  handle(reply_id, nullptr);
}

void Memory::handle(unsigned id, ucp_am_recv_callback_t callback) {
  ucp_am_handler_param_t handler{};
  handler.field_mask = UCP_AM_HANDLER_PARAM_FIELD_ID | UCP_AM_HANDLER_PARAM_FIELD_CB |
                       UCP_AM_HANDLER_PARAM_FIELD_ARG;
  handler.id = id;
  handler.arg = this;
  handler.cb = callback;
  worker_.library().worker_set_am_recv_handler(worker_.handle(), &handler);
}

std::unique_ptr<messages::MemoryWire> Memory::open(Connection& connection) {
  return std::make_unique<Wire>(*this, connection);
}

bool Memory::serve() {
  for (; !asked_.empty(); asked_.pop_front(), changed_ = true) {
    const Ask& ask = asked_.front();
    const auto found = published_->find(ask.key);
    if (found == published_->end()) continue;
    const std::span<const std::byte> bytes = found->second->bytes;
    if (ask.offset > bytes.size() || ask.bytes > bytes.size() - ask.offset) continue;
    const Reply reply{ask.ticket};
    found->second->to->send_in_place(reply_id, std::as_bytes(std::span(&reply, 1)),
                                     bytes.subspan(ask.offset, ask.bytes));
  }
  return std::exchange(changed_, false);
}

ucs_status_t Memory::take(const Reply& reply, void* data, std::size_t bytes,
                          std::uint64_t attributes) {
  const auto found = pending_.extract(reply.ticket);
  if (!found) return UCS_OK;
  const Pending& pending = found.mapped();
  if (bytes != pending.read->bytes) {
    end(*pending.read, State::failed);
    return UCS_OK;
  }
  if ((attributes & UCP_AM_RECV_ATTR_FLAG_RNDV) != 0) return fetch(pending, data);
  std::memcpy(pending.read->to, data, bytes);
  end(*pending.read, State::done);
  return UCS_OK;
}

// What UCX fetches into the reader's memory.
struct Memory::Fetch {
  Fetch(Memory& all, const Pending& what) : memory(all), pending(what) {
    ++*pending.fetches;
    memory.worker_.fetch_begins();
  }
  Fetch(const Fetch&) = delete;
  Fetch& operator=(const Fetch&) = delete;
  void end(ucs_status_t status) {
    --*pending.fetches;
    memory.worker_.fetch_ends();
    memory.end(*pending.read, status == UCS_OK ? State::done : State::failed);
  }

  Memory& memory;
  const Pending pending;
};

ucs_status_t Memory::fetch(const Pending& pending, void* descriptor) {
  auto fetch = std::make_unique<Fetch>(*this, pending);
  ucp_request_param_t param{};
  param.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK | UCP_OP_ATTR_FIELD_USER_DATA;
  param.cb.recv_am = [](void* request, ucs_status_t status, std::size_t, void* fetched) noexcept {
    const std::unique_ptr<Fetch> mine(static_cast<Fetch*>(fetched));
    mine->memory.worker_.library().request_free(request);
    mine->end(status);
  };
  param.user_data = fetch.get();
  void* request = worker_.library().am_recv_data(worker_.handle(), descriptor, pending.read->to,
                                                 pending.read->bytes, &param);
  if (UCS_PTR_IS_PTR(request)) {
    static_cast<void>(fetch.release());  // the callback's
  } else {
    fetch->end(UCS_PTR_STATUS(request));
  }
  return UCS_INPROGRESS;
}

void Memory::end(FabricRead& read, State state) {
  read.state = state;
  changed_ = true;
}

}  // namespace motet::ucx
