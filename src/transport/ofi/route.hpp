// The way to a peer, as libfabric knows it. Lives as long as its domain.
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/ofi/handles.hpp"

namespace motet::ofi {

struct Route {
  fi_addr_t to = FI_ADDR_UNSPEC;  // another one after Domain::disconnect()
  std::size_t lines = 0;          // that go this way
  std::uint32_t connection = 0;   // counts those calls
  bool cut = false;               // the last message was lost, after libfabric had taken it
};

}  // namespace motet::ofi
