// Which TCP ports may be listened on: all free ones, or those that a firewall lets through.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace motet {

struct PortRange {
  int first = 0, last = 0;  // both included; 0: any free one

  static PortRange only(int port) { return {port, port}; }
  bool any() const { return first == 0; }
  int count() const { return last - first + 1; }
  bool operator==(const PortRange&) const = default;

  // "20000-20100" or "20000".
  std::string to_text() const;
  // Nothing if it is no range within 1 to 65535.
  static std::optional<PortRange> from_text(std::string_view text);
};

}  // namespace motet
