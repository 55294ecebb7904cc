// Which process a rank is, in a way that another process can check and watch.
#pragma once

#include <cstdint>
#include <string>

#include "net/descriptor.hpp"

namespace motet {

struct ProcessIdentity {
  std::string machine;  // machine_identity()
  std::string host;
  std::int64_t pid = 0;
  std::uint64_t started = 0;  // in the kernel's ticks since boot: tells a recycled pid apart

  static ProcessIdentity self();
  std::string to_text() const;  // "on host b (pid 4711)"
};

// Readable once the process has ended. Empty if it does not run on this machine (as far as pids are
// concerned), has ended already, or cannot be watched.
Descriptor watch_process(const ProcessIdentity& process);
// " (killed by signal 9)", " (exited with status 1)", or nothing if that cannot be known. After the
// end.
std::string how_it_ended(const ProcessIdentity& process, const Descriptor& watched);

}  // namespace motet
