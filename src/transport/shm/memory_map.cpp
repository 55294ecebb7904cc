#include "transport/shm/memory_map.hpp"

#include <sys/stat.h>

#include <array>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>

namespace motet::shm {
namespace {

// One line: "7f10-7f20 rw-s 00001000 00:01 1234 /memfd:name (deleted)".
struct Area {
  std::uint64_t begin = 0, end = 0, offset = 0, inode = 0;
  bool shared = false;
};

std::optional<Area> parse(const std::string& line) {
  Area area;
  std::array<char, 5> rights{};
  const int fields =
      std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*x:%*x %" SCNu64,
                  &area.begin, &area.end, rights.data(), &area.offset, &area.inode);
  area.shared = rights[3] == 's';
  return fields == 5 ? std::optional(area) : std::nullopt;
}

}  // namespace

bool maps(const void* address, std::size_t bytes, int descriptor, std::uint64_t offset) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) return false;
  auto at = reinterpret_cast<std::uint64_t>(address);
  const std::uint64_t end = at + bytes;
  std::ifstream file("/proc/self/maps");
  // Areas come in the order of their addresses; one mapping may be cut in several.
  for (std::string line; at < end && std::getline(file, line);) {
    const std::optional<Area> area = parse(line);
    if (!area || area->end <= at) continue;
    const bool fits = area->begin <= at && area->shared && area->inode == status.st_ino &&
                      area->offset + (at - area->begin) == offset;
    if (!fits) return false;
    offset += area->end - at;
    at = area->end;
  }
  return at >= end;
}

}  // namespace motet::shm
