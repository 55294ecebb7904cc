#include "transport/tcp/tcp_endpoint.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/assert.hpp"
#include "net/socket.hpp"

namespace motet::tcp {
namespace {

// Beyond this nothing is queued behind a full socket: the caller's memory serves as well.
constexpr std::size_t queue_limit_bytes = 256 * 1024;
// Reads in one pass, so that one busy peer does not keep the others waiting.
constexpr int reads_at_once = 8;

class AsideBlock final : public Aside {
 public:
  AsideBlock(std::shared_ptr<Ledger> ledger, std::shared_ptr<BufferPool> pool, Block block)
      : ledger_(std::move(ledger)), pool_(std::move(pool)), block_(std::move(block)) {}
  AsideBlock(const AsideBlock&) = delete;
  AsideBlock& operator=(const AsideBlock&) = delete;
  ~AsideBlock() override { ledger_->consumed(block_.arrival.header.stream); }
  const Arrival& arrival() const override { return block_.arrival; }

 private:
  std::shared_ptr<Ledger> ledger_;
  std::shared_ptr<BufferPool> pool_;  // outlives the block
  Block block_;
};

}  // namespace

TcpEndpoint::TcpEndpoint(Transport::Peer peer, std::optional<Dialler> dialler,
                         std::size_t max_block_bytes, std::shared_ptr<BufferPool> pool,
                         ConnectionTable& table)
    : peer_(std::move(peer)),
      dialler_(std::move(dialler)),
      max_block_bytes_(max_block_bytes),
      table_(table),
      pool_(std::move(pool)),
      ledger_(std::make_shared<Ledger>(this)),
      inbox_(max_block_bytes, pool_, window_) {
  table_.enter_connecting(this, dialler_ ? dialler_->descriptor() : -1);
}

TcpEndpoint::~TcpEndpoint() {
  ledger_->disconnect();
  table_.leave(this, socket_.get());
  if (state_ == State::ready) table_.linger(std::move(socket_));
}

const std::string& TcpEndpoint::failure() const {
  if (state_ == State::connecting && dialler_) failure_ = dialler_->problem();
  return failure_;
}

bool TcpEndpoint::drive(std::uint32_t epoll_events) {
  if (dialler_) return dial();
  const bool flushed = (epoll_events & EPOLLOUT) != 0 && flush();
  return read() || flushed;
}

bool TcpEndpoint::dial() {
  std::optional<Connection> connection = dialler_->advance();
  if (!connection) return false;
  attach(*std::move(connection));
  return true;
}

void TcpEndpoint::attach(Connection connection) {
  MOTET_ASSERT(state_ == State::connecting, "an endpoint is connected once");
  dialler_.reset();
  failure_.clear();
  socket_ = std::move(connection.socket);
  state_ = State::ready;
  if (const int error = table_.connected(this, socket_.get()); error != 0) {
    lose("tcp: epoll_ctl: " + std::generic_category().message(error));
  }
}

bool TcpEndpoint::send(const Header& header, const void* data) {
  MOTET_ASSERT(header.bytes <= max_block_bytes_, "a block fits max_block_bytes()");
  if (state_ == State::failed) return true;
  if (state_ == State::connecting || outbox_.queued_bytes() >= queue_limit_bytes) return false;
  if (!window_.open(header.stream)) return false;
  write(flow::frame_of(header, ledger_->take_one()),
        {static_cast<const std::byte*>(data), header.bytes});
  return true;
}

void TcpEndpoint::send_credits(std::span<const Credit> credits) {
  Frame frame{};
  frame.kind = FrameKind::credit;
  frame.bytes = static_cast<std::uint32_t>(credits.size_bytes());
  write(frame, std::as_bytes(credits));
}

void TcpEndpoint::write(const Frame& frame, std::span<const std::byte> payload) {
  const int error = outbox_.write(socket_.get(), std::as_bytes(std::span(&frame, 1)), payload);
  if (error != 0) return lose_writing(error);
  if (!outbox_.empty() && !std::exchange(watched_writable_, true)) {
    table_.watch_writable(this, socket_.get(), true);
  }
}

bool TcpEndpoint::flush() {
  if (state_ != State::ready || outbox_.empty()) return false;
  std::size_t written = 0;
  const int error = outbox_.flush(socket_.get(), &written);
  if (error != 0) {
    lose_writing(error);
    return true;
  }
  if (outbox_.empty() && std::exchange(watched_writable_, false)) {
    table_.watch_writable(this, socket_.get(), false);
  }
  return written > 0;
}

bool TcpEndpoint::read() {
  bool moved = false, drained = false;
  for (int i = 0; i < reads_at_once && state_ == State::ready && !drained; ++i) {
    Inbox::Outcome outcome = inbox_.read(socket_.get());
    drained = outcome.drained;
    moved |= outcome.bytes > 0;
    if (!outcome.end.empty()) {
      lose(std::move(outcome.end));
      moved = true;
    }
  }
  return moved;
}

bool TcpEndpoint::look_for_silence() {
  if (state_ != State::ready || !peer_is_silent(socket_.get())) return false;
  lose("tcp: its host acknowledges nothing any more");
  return true;
}

const Arrival* TcpEndpoint::front() {
  const Block* block = inbox_.front();
  return block != nullptr ? &block->arrival : nullptr;
}

void TcpEndpoint::pop() {
  ledger_->consumed(inbox_.take_front().arrival.header.stream);
}

std::unique_ptr<Aside> TcpEndpoint::set_aside() {
  return std::make_unique<AsideBlock>(ledger_, pool_, inbox_.take_front());
}

void TcpEndpoint::lose_writing(int error) {
  // What the peer sent before may not have been read yet. It is finite, for the connection has
  // ended.
  for (bool more = true; more;) {
    const Inbox::Outcome outcome = inbox_.read(socket_.get());
    more = outcome.bytes > 0 && outcome.end.empty();
  }
  lose("tcp: write: " + std::generic_category().message(error));
}

void TcpEndpoint::lose(std::string why) {
  state_ = State::failed;
  failure_ = std::move(why);
  ledger_->disconnect();
  outbox_.clear();
  table_.leave(this, socket_.get());
  socket_.reset();
}

}  // namespace motet::tcp
