#include "net/credentials.hpp"

#include <sodium.h>

#include "base/assert.hpp"
#include "base/error.hpp"
#include "net/sodium.hpp"

namespace motet {

void start_sodium() {
  static const int started = sodium_init();
  MOTET_ASSERT(started >= 0, "libsodium must find a source of random numbers");
}

namespace {

template <std::size_t size>
std::string hex(const std::array<std::uint8_t, size>& bytes) {
  std::string text(2 * size + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), size);
  text.pop_back();
  return text;
}

template <std::size_t size>
std::array<std::uint8_t, size> from_hex(std::string_view text, const char* what) {
  std::array<std::uint8_t, size> bytes{};
  std::size_t length = 0;
  const bool parsed =
      sodium_hex2bin(bytes.data(), size, text.data(), text.size(), nullptr, &length, nullptr) == 0;
  if (!parsed || length != size || text.size() != 2 * size) {
    throw Error(ErrorCode::invalid_argument,
                std::string(what) + " must be " + std::to_string(2 * size) + " hexadecimal digits");
  }
  return bytes;
}

}  // namespace

Identity Identity::random() {
  start_sodium();
  Identity result;
  randombytes_buf(result.bytes.data(), result.bytes.size());
  return result;
}

std::string Identity::to_text() const {
  return hex(bytes);
}

Identity Identity::from_text(std::string_view text) {
  return {from_hex<16>(text, "an identity")};
}

std::string to_hex(const Secret& secret) {
  return hex(secret);
}

Secret secret_from_hex(std::string_view text) {
  return from_hex<32>(text, "a secret");
}

Secret random_secret() {
  start_sodium();
  Secret result;
  randombytes_buf(result.data(), result.size());
  return result;
}

Credentials Credentials::from_secret(const Secret& secret) {
  static_assert(std::tuple_size_v<Secret> == crypto_kdf_KEYBYTES);
  static constexpr char context[crypto_kdf_CONTEXTBYTES + 1] = "motetjob";
  start_sodium();
  Credentials result{};
  auto& job = result.job.bytes;
  crypto_kdf_derive_from_key(job.data(), job.size(), 1, context, secret.data());
  crypto_kdf_derive_from_key(result.key.data(), result.key.size(), 2, context, secret.data());
  return result;
}

}  // namespace motet
