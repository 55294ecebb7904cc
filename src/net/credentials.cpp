#include "net/credentials.hpp"

#include <sodium.h>

#include "base/assert.hpp"
#include "net/sodium.hpp"

namespace motet {

void start_sodium() {
  static const int started = sodium_init();
  MOTET_ASSERT(started >= 0, "libsodium must find a source of random numbers");
}

Identity Identity::random() {
  start_sodium();
  Identity result;
  randombytes_buf(result.bytes.data(), result.bytes.size());
  return result;
}

std::string Identity::to_text() const {
  std::string text(2 * bytes.size() + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.pop_back();
  return text;
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
