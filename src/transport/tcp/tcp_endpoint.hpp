// One end of the connection between two engines.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/handshake.hpp"
#include "net/socket.hpp"
#include "transport/flow/ledger.hpp"
#include "transport/flow/window.hpp"
#include "transport/tcp/connection_table.hpp"
#include "transport/tcp/inbox.hpp"
#include "transport/tcp/outbox.hpp"
#include "transport/transport.hpp"

namespace motet::tcp {

using flow::CreditSender;
using flow::Ledger;

class TcpEndpoint final : public Endpoint,
                          public DirectPlacement,
                          public Routed,
                          public CreditSender {
 public:
  // Waits for attach(), or dials if it is given a dialler. `table` must outlive it.
  TcpEndpoint(Transport::Peer peer, std::optional<Dialler> dialler, std::size_t max_block_bytes,
              std::shared_ptr<BufferPool> pool, ConnectionTable& table);
  ~TcpEndpoint() override;
  TcpEndpoint(const TcpEndpoint&) = delete;
  TcpEndpoint& operator=(const TcpEndpoint&) = delete;

  State state() const override { return state_; }
  const std::string& failure() const override;
  bool send(const Header& header, const void* data) override;
  const Arrival* front() override;
  void pop() override;
  std::unique_ptr<Aside> set_aside() override;
  bool flushed() const override { return outbox_.empty(); }

  void expect(const Header& header, std::byte* to) override { inbox_.expect(header, to); }
  void forget(Key key, Key mask) override { inbox_.forget(key, mask); }

  std::string route() const override { return peer_host(socket_.get()); }

  const Transport::Peer& peer() const { return peer_; }

  // The connection has been made.
  void attach(Connection connection);
  // Each true if anything changed.
  bool drive(std::uint32_t epoll_events);
  bool read();
  bool flush();
  bool look_for_silence();

 private:
  bool dial();
  void send_credits(std::span<const Credit> credits) override;
  void write(const Frame& frame, std::span<const std::byte> payload);
  // The connection has ended. What came before is still handed out.
  void lose(std::string why);
  void lose_writing(int error);

  Transport::Peer peer_;
  std::optional<Dialler> dialler_;
  std::size_t max_block_bytes_;
  ConnectionTable& table_;

  State state_ = State::connecting;
  mutable std::string failure_;
  Descriptor socket_;

  Window window_;
  Outbox outbox_;
  bool watched_writable_ = false;
  std::shared_ptr<BufferPool> pool_;  // shared with blocks set aside, as is the ledger
  std::shared_ptr<Ledger> ledger_;
  Inbox inbox_;
};

}  // namespace motet::tcp
