// Who may join: a job's public name and the key derived from its secret.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace motet {

// 16 random bytes naming one engine (one rank of this process) or one job. Public.
struct Identity {
  std::array<std::uint8_t, 16> bytes{};

  static Identity random();
  std::string to_text() const;                       // 32 hex digits
  static Identity from_text(std::string_view text);  // throws Error{invalid_argument}
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 misreads <=>
  auto operator<=>(const Identity&) const = default;
};

using Secret = std::array<std::uint8_t, 32>;
Secret random_secret();
std::string to_hex(const Secret& secret);  // 64 hex digits: for transport only
Secret secret_from_hex(
    std::string_view text);  // throws Error{invalid_argument}, without quoting it

struct Credentials {
  Identity job;
  Secret key;  // KDF(secret, job); never logged or printed

  // Derives both from the secret: every rank gets the same.
  static Credentials from_secret(const Secret& secret);
};

}  // namespace motet
