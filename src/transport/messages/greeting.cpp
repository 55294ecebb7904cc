#include "transport/messages/greeting.hpp"

#include <algorithm>
#include <cstring>

namespace motet::messages {
namespace {

// One message each way: there is no nonce to answer. Whoever could repeat a greeting must have read
// the fabric's traffic, against which nothing here protects (docs/security.md).
constexpr Nonce no_nonce{};

std::optional<Hello> hello_in(std::span<const std::byte> bytes) {
  if (bytes.size() != greeting_bytes) return {};
  HelloBytes said{};
  std::copy_n(bytes.begin(), said.size(), said.begin());
  const std::optional<Hello> hello = decode_hello(said);
  if (!hello || hello->purpose != Purpose::fabric) return {};
  return hello;
}

}  // namespace

Greeting greet(const Credentials& credentials, const Identity& from, const Identity& to,
               std::uint32_t call_me) {
  Hello hello{.purpose = Purpose::fabric,
              .job = credentials.job,
              .from = from,
              .to = to,
              .nonce = fresh_nonce()};
  std::memcpy(hello.nonce.data(), &call_me, sizeof call_me);
  const HelloBytes said = encode(hello);
  const Proof proof = prove(Side::dialler, hello, no_nonce, credentials.key);
  Greeting greeting{};
  std::copy(said.begin(), said.end(), greeting.begin());
  std::memcpy(greeting.data() + said.size(), proof.data(), proof.size());
  return greeting;
}

std::optional<Greeted> read_greeting(std::span<const std::byte> bytes) {
  const std::optional<Hello> hello = hello_in(bytes);
  if (!hello) return {};
  Greeted greeted{.job = hello->job, .from = hello->from, .to = hello->to};
  std::memcpy(&greeted.call_me, hello->nonce.data(), sizeof greeted.call_me);
  return greeted;
}

bool is_proved(std::span<const std::byte> bytes, const Secret& key) {
  const std::optional<Hello> hello = hello_in(bytes);
  if (!hello) return false;
  Proof proof{};
  std::memcpy(proof.data(), bytes.data() + hello_bytes, proof.size());
  return same(proof, prove(Side::dialler, *hello, no_nonce, key));
}

}  // namespace motet::messages
