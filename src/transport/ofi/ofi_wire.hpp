// The direction to one peer, as the endpoint sees it.
#pragma once

#include "transport/messages/wire.hpp"
#include "transport/ofi/exchange.hpp"

namespace motet::ofi {

class OfiWire final : public messages::Wire {
 public:
  // Both must outlive it, and the route the exchange.
  OfiWire(Exchange& exchange, Route& route)
      : exchange_(exchange), line_(exchange.outbox().open(route)) {}
  OfiWire(const OfiWire&) = delete;
  OfiWire& operator=(const OfiWire&) = delete;
  ~OfiWire() override { exchange_.close(line_); }

  void set_owner(messages::WireOwner* owner) override { line_.owner = owner; }
  bool has_room() const override { return line_.bytes < room_bytes; }
  void post(const messages::Envelope& envelope, std::span<const std::byte> payload) override {
    exchange_.outbox().post(line_, envelope, payload);
  }
  bool idle() const override { return line_.under_way == 0; }

 private:
  // Beyond this nothing is copied and queued: the caller's memory serves as well. Four blocks keep
  // a network busy.
  static constexpr std::size_t room_bytes = 512 * 1024;

  Exchange& exchange_;
  Line& line_;
};

}  // namespace motet::ofi
