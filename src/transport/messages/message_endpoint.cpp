#include "transport/messages/message_endpoint.hpp"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "base/assert.hpp"
#include "transport/messages/directory.hpp"

namespace motet::messages {
namespace {

using flow::Credit;
using flow::Frame;
using flow::FrameKind;

// Messages that may have overtaken another. A peer in its right mind has fewer under way: its
// windows are bounded.
constexpr std::uint32_t early_limit = 1U << 16;

constexpr const char* closed_by_peer = "closed by the peer";

Frame control(FrameKind kind, std::size_t bytes) {
  Frame frame{};
  frame.kind = kind;
  frame.bytes = static_cast<std::uint32_t>(bytes);
  return frame;
}

}  // namespace

class MessageEndpoint::AsideBlock final : public Aside {
 public:
  AsideBlock(std::shared_ptr<flow::Ledger> ledger, Block block)
      : ledger_(std::move(ledger)), block_(std::move(block)) {}
  AsideBlock(const AsideBlock&) = delete;
  AsideBlock& operator=(const AsideBlock&) = delete;
  ~AsideBlock() override { ledger_->consumed(block_.arrival.header.stream); }
  const Arrival& arrival() const override { return block_.arrival; }

 private:
  std::shared_ptr<flow::Ledger> ledger_;
  Block block_;
};

MessageEndpoint::MessageEndpoint(const Setup& setup, Transport::Peer peer,
                                 std::unique_ptr<Wire> wire, Directory& directory)
    : setup_(setup),
      peer_(std::move(peer)),
      directory_(directory),
      called_(directory.enter(this)),
      wire_(std::move(wire)),
      ledger_(std::make_shared<flow::Ledger>(this)) {
  wire_->set_owner(this);
  greet_as(FrameKind::hello);
  directory_.look_for_greeting(*this);
}

MessageEndpoint::~MessageEndpoint() {
  ledger_->disconnect();
  wire_->set_owner(nullptr);
  if (state_ == State::ready) post(control(FrameKind::goodbye, 0), {});
  // Without a word from the peer it is not known whether he has met the greeting. He may do so when
  // there are other endpoints at both ends, of which his would take this one's name for the
  // other's.
  if (state_ != State::failed && next_taken_ == 1) greet_as(FrameKind::goodbye);
  directory_.leave(called_);
}

void MessageEndpoint::greet_as(FrameKind kind) {
  const Greeting greeting = greet(peer_.credentials, setup_.me, peer_.engine, called_);
  wire_->post({.frame = control(kind, greeting.size()), .to = 0, .number = 0}, greeting);
}

Endpoint::State MessageEndpoint::state() const {
  if (state_ != State::ready || has_greeted_) return state_;
  has_greeted_ = wire_->idle();
  return has_greeted_ ? State::ready : State::connecting;
}

bool MessageEndpoint::send(const Header& header, const void* data) {
  MOTET_ASSERT(header.bytes <= setup_.max_block_bytes, "a block fits max_block_bytes()");
  const State now = state();
  if (now == State::failed) return true;
  if (now == State::connecting || !wire_->has_room() || !window_.open(header.stream)) {
    return false;
  }
  post(flow::frame_of(header, ledger_->take_one()),
       {static_cast<const std::byte*>(data), header.bytes});
  return true;
}

void MessageEndpoint::send_credits(std::span<const Credit> credits) {
  post(control(FrameKind::credit, credits.size_bytes()), std::as_bytes(credits));
}

void MessageEndpoint::post(const Frame& frame, std::span<const std::byte> payload) {
  silent_ = false;
  wire_->post({.frame = frame, .to = call_peer_, .number = next_sent_++}, payload);
}

void MessageEndpoint::pop() {
  MOTET_ASSERT(!blocks_.empty(), "only a block that has arrived can be taken");
  const std::uint32_t stream = blocks_.front().arrival.header.stream;
  blocks_.pop_front();
  ledger_->consumed(stream);
}

std::unique_ptr<Aside> MessageEndpoint::set_aside() {
  MOTET_ASSERT(!blocks_.empty(), "only a block that has arrived can be taken");
  auto aside = std::make_unique<AsideBlock>(ledger_, std::move(blocks_.front()));
  blocks_.pop_front();
  return aside;
}

void MessageEndpoint::greeted(std::uint32_t call_peer) {
  if (state_ != State::connecting) return;
  call_peer_ = call_peer;
  state_ = State::ready;
  welcome();
  take_early();
}

void MessageEndpoint::left() {
  lose(fmt::format("{}: {}", setup_.transport, closed_by_peer));
}

void MessageEndpoint::deliver(Message message) {
  if (state_ == State::failed) return;
  const std::uint32_t number = message.envelope.number;
  if (state_ == State::connecting || number != next_taken_) {
    if (number - next_taken_ < early_limit) early_.emplace(number, std::move(message));
    return;
  }
  take(std::move(message));
  take_early();
}

// What the message is not.
std::string MessageEndpoint::problem_of(const Message& message) {
  const Frame& frame = message.envelope.frame;
  if (frame.bytes != message.payload.size()) {
    return fmt::format("the peer sent {} bytes and said {}", message.payload.size(), frame.bytes);
  }
  if (!window_.close(frame.credit)) return "the peer consumed blocks that were not sent";
  switch (frame.kind) {
    case FrameKind::block:
      if (frame.bytes <= setup_.max_block_bytes) return {};
      return fmt::format("the peer sent a block of {} bytes; the longest has {}", frame.bytes,
                         setup_.max_block_bytes);
    case FrameKind::credit:
      for (std::size_t at = 0; at + sizeof(Credit) <= frame.bytes; at += sizeof(Credit)) {
        Credit credit;
        std::memcpy(&credit, message.payload.data() + at, sizeof credit);
        if (!window_.close(credit)) return "the peer consumed blocks that were not sent";
      }
      return {};
    case FrameKind::goodbye:
      return closed_by_peer;
    case FrameKind::alive:
      return {};
    case FrameKind::readable:
    case FrameKind::withdraw:
    case FrameKind::withdrawn:
      take_about_memory(frame);
      return {};
    case FrameKind::hello:
      break;
  }
  return fmt::format("the peer sent a message of unknown kind {:#x}",
                     static_cast<std::uint32_t>(frame.kind));
}

void MessageEndpoint::take_early() {
  while (auto early = early_.extract(next_taken_)) take(std::move(early.mapped()));
}

void MessageEndpoint::take(Message message) {
  ++next_taken_;
  if (state_ == State::failed) return;
  if (const std::string problem = problem_of(message); !problem.empty()) {
    return lose(fmt::format("{}: {}", setup_.transport, problem));
  }
  if (message.envelope.frame.kind != FrameKind::block) return;
  blocks_.push_back({{flow::header_of(message.envelope.frame), message.payload.data()},
                     std::move(message.memory)});
}

void MessageEndpoint::show_life() {
  if (state_ == State::ready && silent_ && wire_->idle()) post(control(FrameKind::alive, 0), {});
  silent_ = true;
}

void MessageEndpoint::lose(std::string why) {
  if (state_ == State::failed) return;
  state_ = State::failed;
  failure_ = std::move(why);
  ledger_->disconnect();
  early_.clear();
}

}  // namespace motet::messages
