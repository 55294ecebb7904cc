#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "bootstrap/health.hpp"

namespace motet {
namespace {

// Exact, so that two counts that differ never read the same: "1 MiB", "1048580 B".
std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (unit + 1 < units.size() && bytes != 0 && bytes % 1024 == 0) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{} {}", bytes, units[unit]);
}

std::uint64_t pack(const CallRecord& record) {
  return static_cast<std::uint64_t>(record.collective) |
         static_cast<std::uint64_t>(record.type) << 8 |
         static_cast<std::uint64_t>(record.op) << 16 |
         static_cast<std::uint64_t>(static_cast<std::uint32_t>(record.root)) << 32;
}

void unpack(std::uint64_t word, CallRecord& record) {
  record.collective = static_cast<Collective>(word & 0xff);
  record.type = static_cast<DataType>(word >> 8 & 0xff);
  record.op = static_cast<ReduceOp>(word >> 16 & 0xff);
  record.root = static_cast<Rank>(word >> 32);
}

}  // namespace

std::string to_text(const CallRecord& record) {
  if (record.sequence == 0) return "no call";
  std::string text = fmt::format("{} #{}", name(record.collective), record.sequence);
  if (record.collective == Collective::barrier) return text;
  text += fmt::format(" ({} {}", bytes_text(record.count * element_bytes(record.type)),
                      name(record.type));
  if (reduces(record.collective)) text += fmt::format(" {}", name(record.op));
  if (has_root(record.collective)) text += fmt::format(" root {}", record.root);
  return text + ")";
}

std::string left_text(Rank rank, const CallRecord& last) {
  const std::string when = last.sequence == 0 ? "without a call" : "after " + to_text(last);
  return fmt::format("rank {} has left the communicator {}", rank, when);
}

bool agree(const CallRecord& a, const CallRecord& b) {
  if (a.collective != b.collective) return false;
  if (a.collective == Collective::barrier) return true;
  if (a.type != b.type || a.count != b.count) return false;
  if (reduces(a.collective) && a.op != b.op) return false;
  return !has_root(a.collective) || a.root == b.root;
}

CallLog::Words::Words(const CallRecord& record) : count(record.count), rest(pack(record)) {}

std::vector<CallRecord> CallLog::read() const {
  std::vector<CallRecord> records;
  for (const Entry& entry : entries_) {
    CallRecord record;
    const std::uint64_t version = entry.version.load(std::memory_order_acquire);
    if (version == 0 || version % 2 != 0) continue;
    record.sequence = version / 2;
    record.count = entry.word[0].load(std::memory_order_acquire);
    unpack(entry.word[1].load(std::memory_order_acquire), record);
    if (entry.version.load(std::memory_order_relaxed) == version) records.push_back(record);
  }
  std::sort(records.begin(), records.end(),
            [](const CallRecord& a, const CallRecord& b) { return a.sequence < b.sequence; });
  return records;
}

}  // namespace motet
