#include "transport/ofi/library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>

namespace motet::ofi {
namespace {

constexpr const char* file_name = "libfabric.so.1";

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

}  // namespace

std::string Library::problem(const char* call, long result) const {
  return fmt::format("{}: {}", call, strerror(static_cast<int>(-result)));
}

std::string load(Library& library) {
  // psm's library, which providers bring along, takes over SIGSEGV, SIGINT and others otherwise.
  constexpr int keep = 0;
  ::setenv("IPATH_NO_BACKTRACE", "1", keep);
  // So that Domain::disconnect() does: otherwise an address is removed and its connection kept.
  ::setenv("FI_AV_REMOVE_CLEANUP", "1", keep);
  // Never unloaded: providers leave threads and exit handlers behind.
  void* const loaded = dlopen(file_name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (loaded == nullptr) return fmt::format("libfabric cannot be loaded: {}", dlerror());
  const bool complete = find(loaded, "fi_getinfo", library.getinfo) &&
                        find(loaded, "fi_freeinfo", library.freeinfo) &&
                        find(loaded, "fi_dupinfo", library.dupinfo) &&
                        find(loaded, "fi_fabric", library.fabric) &&
                        find(loaded, "fi_strerror", library.strerror);
  if (!complete) return fmt::format("{} is not libfabric: {}", file_name, dlerror());
  return {};
}

}  // namespace motet::ofi
