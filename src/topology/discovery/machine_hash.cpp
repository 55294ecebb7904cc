#include "topology/discovery/machine_hash.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>

namespace motet {
namespace {

// FNV-1a: the same in every build.
std::uint32_t hash(const std::string& text) {
  std::uint32_t value = 2166136261;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 16777619;
  return value;
}

// What /proc/cpuinfo says of the first processor, without what changes from one look to the next.
std::string processor(const std::string& proc) {
  std::ifstream file(proc + "/cpuinfo");
  std::string text;
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const bool is_name = line.starts_with("vendor_id") || line.starts_with("model") ||
                         line.starts_with("cpu family") || line.starts_with("CPU ");
    if (is_name) text += line + '\n';
  }
  return text;
}

}  // namespace

std::string machine_hash(const std::string& proc) {
  const std::string what = processor(proc) + std::to_string(sysconf(_SC_NPROCESSORS_CONF));
  return fmt::format("{:08x}", hash(what));
}

}  // namespace motet
