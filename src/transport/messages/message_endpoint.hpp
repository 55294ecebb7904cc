// One end of a pair of engines between which a fabric library moves messages: greets, numbers and
// counts, and puts what comes in order. Its transport owns the library; the endpoint a Wire.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "transport/flow/ledger.hpp"
#include "transport/flow/window.hpp"
#include "transport/messages/greeting.hpp"
#include "transport/messages/wire.hpp"
#include "transport/transport.hpp"

namespace motet::messages {

class Directory;

// Ready when the peer's greeting has come and its own has gone out: then the peer becomes ready
// although this rank makes no further calls, and where both ends are ready, both ways work.
class MessageEndpoint : public Endpoint, public flow::CreditSender, public WireOwner {
 public:
  struct Setup {
    std::string_view transport;  // "ofi": for messages
    Identity me;
    std::size_t max_block_bytes = 0;
  };
  // Greets at once. `directory` must outlive it.
  MessageEndpoint(const Setup& setup, Transport::Peer peer, std::unique_ptr<Wire> wire,
                  Directory& directory);
  ~MessageEndpoint() override;  // says goodbye, or takes its greeting back
  MessageEndpoint(const MessageEndpoint&) = delete;
  MessageEndpoint& operator=(const MessageEndpoint&) = delete;

  State state() const override;
  const std::string& failure() const override { return failure_; }
  bool send(const Header& header, const void* data) override;
  const Arrival* front() override { return blocks_.empty() ? nullptr : &blocks_.front().arrival; }
  void pop() override;
  std::unique_ptr<Aside> set_aside() override;
  // Nothing is owed to a peer that has left, or has not come yet.
  bool flushed() const override { return state_ != State::ready || wire_->idle(); }

  const Transport::Peer& peer() const { return peer_; }
  bool awaits_greeting() const { return state_ == State::connecting; }
  // The peer's greeting, proved.
  void greeted(std::uint32_t call_peer);
  bool calls(std::uint32_t peer) const { return state_ == State::ready && call_peer_ == peer; }
  void left();  // the peer takes it back
  // A message to this endpoint, in any order.
  void deliver(Message message);
  // Says that it is alive if it has said nothing since the last call: a fabric tells of dead peers
  // only those who send.
  void show_life();
  void lose(std::string why) override;

 protected:
  // It has become ready; not called if that was so when this part of it had just been made.
  virtual void welcome() {}
  // Control messages about memory. This endpoint has nothing to do with them.
  virtual void take_about_memory(const flow::Frame& /*frame*/) {}
  void post(const flow::Frame& frame, std::span<const std::byte> payload);
  bool has_sent_all() const { return wire_->idle(); }

 private:
  struct Block {
    Arrival arrival;
    Loan memory;
  };
  class AsideBlock;

  void greet_as(flow::FrameKind kind);
  void send_credits(std::span<const flow::Credit> credits) override;
  void take(Message message);
  void take_early();
  std::string problem_of(const Message& message);

  const Setup setup_;
  const Transport::Peer peer_;
  Directory& directory_;
  const std::uint32_t called_;   // by the peer
  std::uint32_t call_peer_ = 0;  // known once ready
  std::unique_ptr<Wire> wire_;
  State state_ = State::connecting;   // ready: greeted by the peer
  mutable bool has_greeted_ = false;  // the peer, as far as is known
  std::string failure_;

  flow::Window window_;
  std::shared_ptr<flow::Ledger> ledger_;  // shared with blocks set aside
  std::uint32_t next_sent_ = 1;           // numbers; the greeting has none
  std::uint32_t next_taken_ = 1;
  bool silent_ = false;  // since show_life()

  std::map<std::uint32_t, Message> early_;  // what has overtaken others, or the greeting
  std::deque<Block> blocks_;
};

}  // namespace motet::messages
