#include "transport/ucx/address.hpp"

#include <charconv>

namespace motet::ucx {
namespace {

constexpr std::string_view prefix = "ucx;";
constexpr std::string_view digits = "0123456789abcdef";

}  // namespace

std::string to_text(std::string_view worker_address) {
  std::string text(prefix);
  for (const char byte : worker_address) {
    const auto value = static_cast<unsigned char>(byte);
    text += digits[value >> 4];
    text += digits[value & 15];
  }
  return text;
}

std::string parse_address(std::string_view text) {
  if (!text.starts_with(prefix)) return {};
  text.remove_prefix(prefix.size());
  if (text.size() % 2 != 0 || text.find_first_not_of(digits) != text.npos) return {};
  std::string address;
  for (; !text.empty(); text.remove_prefix(2)) {
    unsigned value = 0;
    std::from_chars(text.data(), text.data() + 2, value, 16);
    address += static_cast<char>(value);
  }
  return address;
}

}  // namespace motet::ucx
