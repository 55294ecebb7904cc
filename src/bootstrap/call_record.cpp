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
         static_cast<std::uint64_t>(record.is_uneven) << 24 |
         static_cast<std::uint64_t>(static_cast<std::uint32_t>(record.root)) << 32;
}

void unpack(std::uint64_t word, CallRecord& record) {
  record.collective = static_cast<Collective>(word & 0xff);
  record.type = static_cast<DataType>(word >> 8 & 0xff);
  record.op = static_cast<ReduceOp>(word >> 16 & 0xff);
  record.is_uneven = (word >> 24 & 1) != 0;
  record.root = static_cast<Rank>(word >> 32);
}

constexpr std::uint32_t longest_quoted = UINT32_MAX;

std::uint64_t pair(std::uint32_t low, std::uint32_t high) {
  return std::uint64_t{high} << 32 | low;
}

std::array<std::uint64_t, 5> pack(const CountsRecord& counts) {
  const auto& f = counts.first;
  return {pair(counts.ranks, counts.digest), pair(f[0], f[1]), pair(f[2], f[3]), pair(f[4], f[5]),
          pair(f[6], f[7])};
}

CountsRecord unpack_counts(const std::array<std::uint64_t, 5>& words) {
  CountsRecord counts{.ranks = static_cast<std::uint32_t>(words[0]),
                      .digest = static_cast<std::uint32_t>(words[0] >> 32)};
  for (std::size_t i = 0; i < counts.first.size(); ++i) {
    counts.first[i] = static_cast<std::uint32_t>(words[1 + i / 2] >> 32 * (i % 2));
  }
  return counts;
}

// " in parts of 5 0 7"
std::string counts_text(const CountsRecord& counts) {
  if (counts.ranks == 0) return {};
  std::string text = " in parts of";
  for (std::size_t i = 0; i < std::min<std::size_t>(counts.ranks, counts.first.size()); ++i) {
    text += fmt::format(" {}{}", counts.first[i], counts.first[i] == longest_quoted ? "+" : "");
  }
  if (counts.ranks <= counts.first.size()) return text;
  return text + fmt::format(" ... ({} parts, digest {:08x})", counts.ranks, counts.digest);
}

}  // namespace

CountsRecord CountsRecord::of(std::span<const std::size_t> counts) {
  CountsRecord record{.ranks = static_cast<std::uint32_t>(counts.size())};
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    hash = (hash ^ counts[i]) * 0x9e3779b97f4a7c15U;
    hash ^= hash >> 32;
    if (i < most_quoted)
      record.first[i] =
          static_cast<std::uint32_t>(std::min<std::size_t>(counts[i], longest_quoted));
  }
  record.digest = static_cast<std::uint32_t>(hash);
  return record;
}

std::string to_text(const CallRecord& record) {
  if (record.sequence == 0) return "no call";
  std::string text = fmt::format("{}{} #{}", name(record.collective), record.is_uneven ? "v" : "",
                                 record.sequence);
  if (record.collective == Collective::barrier) return text;
  text += fmt::format(" ({} {}", bytes_text(record.count * element_bytes(record.type)),
                      name(record.type));
  if (reduces(record.collective)) text += fmt::format(" {}", name(record.op));
  if (has_root(record.collective)) text += fmt::format(" root {}", record.root);
  return text + counts_text(record.counts) + ")";
}

std::string left_text(Rank rank, const CallRecord& last) {
  const std::string when = last.sequence == 0 ? "without a call" : "after " + to_text(last);
  return fmt::format("rank {} has left the communicator {}", rank, when);
}

bool agree(const CallRecord& a, const CallRecord& b) {
  if (a.collective != b.collective) return false;
  if (a.collective == Collective::barrier) return true;
  if (a.is_uneven != b.is_uneven || a.type != b.type) return false;
  const bool counts_matter = !a.is_uneven || all_know_counts(a.collective);
  if (counts_matter && (a.count != b.count || a.counts != b.counts)) return false;
  if (reduces(a.collective) && a.op != b.op) return false;
  return !has_root(a.collective) || a.root == b.root;
}

CallLog::Words::Words(const CallRecord& record)
    : count(record.count), rest(pack(record)), counts(pack(record.counts)) {}

void CallLog::write_uneven(std::uint64_t sequence, const Words& words) noexcept {
  Entry& entry = entries_[sequence % kept];
  entry.version.store(2 * sequence - 1, std::memory_order_relaxed);
  entry.word[0].store(words.count, std::memory_order_release);
  entry.word[1].store(words.rest, std::memory_order_release);
  for (std::size_t i = 0; i < words.counts.size(); ++i) {
    entry.word[2 + i].store(words.counts[i], std::memory_order_release);
  }
  entry.version.store(2 * sequence, std::memory_order_release);
}

std::vector<CallRecord> CallLog::read() const {
  std::vector<CallRecord> records;
  for (const Entry& entry : entries_) {
    CallRecord record;
    const std::uint64_t version = entry.version.load(std::memory_order_acquire);
    if (version == 0 || version % 2 != 0) continue;
    record.sequence = version / 2;
    record.count = entry.word[0].load(std::memory_order_acquire);
    unpack(entry.word[1].load(std::memory_order_acquire), record);
    std::array<std::uint64_t, 5> counts{};
    for (std::size_t i = 0; record.is_uneven && i < counts.size(); ++i) {
      counts[i] = entry.word[2 + i].load(std::memory_order_acquire);
    }
    record.counts = unpack_counts(counts);
    if (entry.version.load(std::memory_order_relaxed) == version) records.push_back(record);
  }
  std::sort(records.begin(), records.end(),
            [](const CallRecord& a, const CallRecord& b) { return a.sequence < b.sequence; });
  return records;
}

}  // namespace motet
