#include "base/ports.hpp"

#include <charconv>

namespace motet {
namespace {

constexpr int highest_port = 65'535;

std::optional<int> port_in(std::string_view text) {
  int port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, port);
  if (failure != std::errc{} || stop != end || port < 1 || port > highest_port) return {};
  return port;
}

}  // namespace

std::string PortRange::to_text() const {
  return first == last ? std::to_string(first) : std::to_string(first) + '-' + std::to_string(last);
}

std::optional<PortRange> PortRange::from_text(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = port_in(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : port_in(text.substr(dash + 1));
  if (!first || !last || *first > *last) return {};
  return PortRange{*first, *last};
}

}  // namespace motet
