// libfabric, found at run time. Linking it would cost every program that uses Motet 0.2 s at its
// start, in constructors of providers for hardware that few have.
#pragma once

#include <string>

#include "transport/ofi/handles.hpp"

namespace motet::ofi {

// What of it is no inline function. Stays loaded until the process ends.
struct Library {
  decltype(&fi_getinfo) getinfo = nullptr;
  decltype(&fi_freeinfo) freeinfo = nullptr;
  decltype(&fi_dupinfo) dupinfo = nullptr;
  decltype(&fi_fabric) fabric = nullptr;
  decltype(&fi_strerror) strerror = nullptr;

  // Of a negative result: "fi_enable: Invalid argument".
  std::string problem(const char* call, long result) const;
  Info empty_info() const { return {dupinfo(nullptr), freeinfo}; }
};

// "", or why it cannot be loaded: a sentence for people.
std::string load(Library& library);

}  // namespace motet::ofi
