// Everything that this process can see of its machine, through hwloc and sysfs. Takes tens of
// milliseconds: for tools.
#pragma once

#include <string>

#include "topology/survey.hpp"

namespace motet {

struct Source {
  std::string xml;  // a file that hwloc wrote, instead of this machine; HWLOC_XMLFILE does the same
  std::string sysfs = "/sys";  // for the speeds of NICs
};

// A survey with one seat, whose `cpus` are those given (empty: all that the machine allows; always
// so for a recorded one). What cannot be found out is said in Hardware::unknown. Throws
// Error{invalid_argument} where an XML file cannot be read, Error{unavailable} where this build has
// no hwloc and one is asked for.
Survey discover(const Source& source, const CpuSet& cpus);

// Writes what hwloc sees to a file that discover() and hwloc's own tools read; the speeds of NICs
// are added to it. Throws Error{system}, Error{unavailable}.
void write_xml(const Source& source, const std::string& file);

}  // namespace motet
