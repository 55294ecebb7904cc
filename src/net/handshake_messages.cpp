#include "net/handshake_messages.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "net/sodium.hpp"

namespace motet {
namespace {

// The last byte is the version of the handshake.
constexpr std::array<std::byte, 7> magic{std::byte{'M'}, std::byte{'o'}, std::byte{'t'},
                                         std::byte{'e'}, std::byte{'t'}, std::byte{0},
                                         std::byte{1}};

template <class Array>
std::byte* put(std::byte* to, const Array& from) {
  std::memcpy(to, from.data(), from.size());
  return to + from.size();
}

template <class Array>
const std::byte* take(const std::byte* from, Array& to) {
  std::memcpy(to.data(), from, to.size());
  return from + to.size();
}

}  // namespace

HelloBytes encode(const Hello& hello) {
  HelloBytes bytes{};
  std::byte* at = put(bytes.data(), magic);
  *at++ = static_cast<std::byte>(hello.purpose);
  at = put(at, hello.job.bytes);
  at = put(at, hello.from.bytes);
  at = put(at, hello.to.bytes);
  put(at, hello.nonce);
  return bytes;
}

std::optional<Hello> decode_hello(const HelloBytes& bytes) {
  if (!may_become_hello(bytes)) return {};
  const std::byte* at = bytes.data() + magic.size();
  Hello hello;
  hello.purpose = static_cast<Purpose>(*at++);
  if (hello.purpose < Purpose::store || hello.purpose > Purpose::fabric) return {};
  at = take(at, hello.job.bytes);
  at = take(at, hello.from.bytes);
  at = take(at, hello.to.bytes);
  take(at, hello.nonce);
  return hello;
}

AnswerBytes encode(const Answer& answer) {
  AnswerBytes bytes{};
  put(put(bytes.data(), answer.nonce), answer.proof);
  return bytes;
}

Answer decode_answer(const AnswerBytes& bytes) {
  Answer answer;
  take(take(bytes.data(), answer.nonce), answer.proof);
  return answer;
}

bool may_become_hello(std::span<const std::byte> received) {
  const std::size_t compared = std::min(received.size(), magic.size());
  return std::equal(magic.begin(), magic.begin() + compared, received.begin());
}

Proof prove(Side side, const Hello& hello, const Nonce& acceptor_nonce, const Secret& key) {
  start_sodium();
  const std::string_view name = side == Side::acceptor ? "acceptor" : "dialler ";
  const HelloBytes said =
      encode(hello);  // purpose, job, from, to and the dialler's nonce, at fixed places
  crypto_generichash_state state;
  const auto add = [&state](const void* data, std::size_t bytes) {
    crypto_generichash_update(&state, static_cast<const unsigned char*>(data), bytes);
  };
  Proof proof{};
  crypto_generichash_init(&state, key.data(), key.size(), proof.size());
  add(name.data(), name.size());
  add(said.data(), said.size());
  add(acceptor_nonce.data(), acceptor_nonce.size());
  crypto_generichash_final(&state, proof.data(), proof.size());
  return proof;
}

bool same(const Proof& a, const Proof& b) noexcept {
  return sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

Nonce fresh_nonce() {
  start_sodium();
  Nonce nonce{};
  randombytes_buf(nonce.data(), nonce.size());
  return nonce;
}

}  // namespace motet
