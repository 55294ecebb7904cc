// The four messages of the handshake, and the proofs in them.
//
//   dialler                                          acceptor
//     hello: magic, purpose, job, from, to, nonce  ->
//                                                  <-  answer: nonce, proof("acceptor")
//     proof("dialler")                             ->
//                                                  <-  welcome: one byte
//
// The dialler proves itself on the one connection that it has chosen.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "net/handshake.hpp"

namespace motet {

using Nonce = std::array<std::uint8_t, 32>;
using Proof = std::array<std::uint8_t, 32>;

struct Hello {
  Purpose purpose{};
  Identity job, from, to;
  Nonce nonce{};
};

struct Answer {
  Nonce nonce{};
  Proof proof{};
};

inline constexpr std::size_t hello_bytes = 8 + 3 * 16 + 32;
inline constexpr std::size_t answer_bytes = 64;
inline constexpr std::size_t proof_bytes = 32;
inline constexpr std::byte welcome{0x21};

using HelloBytes = std::array<std::byte, hello_bytes>;
using AnswerBytes = std::array<std::byte, answer_bytes>;

HelloBytes encode(const Hello& hello);
AnswerBytes encode(const Answer& answer);
// Nothing if it is not a hello of this version.
std::optional<Hello> decode_hello(const HelloBytes& bytes);
Answer decode_answer(const AnswerBytes& bytes);
// Whether the first bytes of what has been received can still become a hello: strangers are dropped
// at once.
bool may_become_hello(std::span<const std::byte> received);

enum class Side { acceptor, dialler };
Proof prove(Side side, const Hello& hello, const Nonce& acceptor_nonce, const Secret& key);
bool same(const Proof& a, const Proof& b) noexcept;  // in constant time
Nonce fresh_nonce();

}  // namespace motet
