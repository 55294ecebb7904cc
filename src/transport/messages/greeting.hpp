// The first message between two engines: who speaks, for which job, the proof that he knows its
// secret, and how he calls the endpoint that is to be answered. Before it nothing is believed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "net/credentials.hpp"
#include "net/handshake_messages.hpp"

namespace motet::messages {

inline constexpr std::size_t greeting_bytes = hello_bytes + proof_bytes;
using Greeting = std::array<std::byte, greeting_bytes>;

// `call_me`: what is to be written into Envelope::to; part of what is proved.
Greeting greet(const Credentials& credentials, const Identity& from, const Identity& to,
               std::uint32_t call_me);

struct Greeted {
  Identity job, from, to;
  std::uint32_t call_me = 0;
};
// What a greeting claims; nothing if it is none.
std::optional<Greeted> read_greeting(std::span<const std::byte> bytes);
// Whether the claim is proved. The bytes are a greeting.
bool is_proved(std::span<const std::byte> bytes, const Secret& key);

}  // namespace motet::messages
