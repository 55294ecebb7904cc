// A provider's address of an endpoint as the text that peers are given: "ofi/PROVIDER/HEX".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace motet::ofi {

using PeerAddress = std::vector<std::byte>;

std::string to_text(std::string_view provider, const PeerAddress& address);
// Nothing if the text is no address of this provider.
std::optional<PeerAddress> parse(std::string_view provider, std::string_view text);

}  // namespace motet::ofi
