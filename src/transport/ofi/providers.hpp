// Which of libfabric's providers is used, and what is to be known of them that they do not say.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "transport/ofi/devices.hpp"
#include "transport/ofi/library.hpp"

namespace motet::ofi {

// What a provider says itself (longest message, what it injects, whether it has a descriptor to
// wait for) is asked of it and not written here.
struct Provider {
  std::string_view name;  // as libfabric writes it: "tcp;ofi_rxm"
  bool only_by_name = false;
  std::string_view reason;  // for its place in the table, or for not being chosen
  // The peer is taken for gone if messages are refused so long while none is under way to it. Zero:
  // never.
  std::chrono::milliseconds gone_when_refused_for{0};
  // It may also be that the peer's room is used up, because it makes no call: a listener_probe.hpp
  // decides.
  bool refuses_for_the_living = false;
  // Nothing may have come for so long before it is closed.
  std::chrono::milliseconds quiet_before_close{0};
  // A connection that fails, because the network did for a while, is used on; and messages by it
  // fail for ever.
  bool keeps_failed_connections = false;
  // False where injected messages complete without their context, or never once the connection is
  // lost.
  bool injects = true;
  // False where peers' memory is not read although the provider offers it.
  bool reads = true;
  // False where registered memory is looked up by its address each time it is read: then other
  // pages may lie there by now.
  bool pins_memory = true;
  std::string_view hint{};  // when it cannot be opened
  // Of the process's environment, unless the user has set it: some things are asked for in no other
  // way. Null: nothing.
  const char* variable = nullptr;
  const char* value = nullptr;
};
// Best first.
std::span<const Provider> known_providers();
// The row of the table, or a new one with nothing but the name.
Provider traits_of(std::string_view provider);

// What can carry Motet's messages here, best first: all offers of the provider `wanted`, or one of
// each known provider. Throws Error{unavailable} in the name of `rank` that lists those there are.
std::vector<Info> offers(const Library& library, const std::string& rank, std::string_view wanted,
                         const DeviceWishes& wishes);

// The same offer with peers' memory to be read, if the provider has that.
Info with_reading(const Library& library, Info offer);

}  // namespace motet::ofi
