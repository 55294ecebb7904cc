#include "transport/ofi/peer_address.hpp"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

namespace motet::ofi {
namespace {

std::string prefix(std::string_view provider) {
  return fmt::format("ofi/{}/", provider);
}

}  // namespace

std::string to_text(std::string_view provider, const PeerAddress& address) {
  std::string text = prefix(provider);
  for (const std::byte byte : address) text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return text;
}

std::optional<PeerAddress> parse(std::string_view provider, std::string_view text) {
  const std::string wanted = prefix(provider);
  if (!text.starts_with(wanted)) return {};
  const std::string_view digits = text.substr(wanted.size());
  if (digits.size() % 2 != 0) return {};
  PeerAddress address(digits.size() / 2);
  for (std::size_t i = 0; i < address.size(); ++i) {
    const char* const first = digits.data() + 2 * i;
    unsigned value = 0;
    const auto [end, failure] = std::from_chars(first, first + 2, value, 16);
    if (failure != std::errc{} || end != first + 2) return {};
    address[i] = static_cast<std::byte>(value);
  }
  return address;
}

}  // namespace motet::ofi
