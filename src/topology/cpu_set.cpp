#include "topology/cpu_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace motet {
namespace {

// Takes a number off the front of the text; -1 if there is none below most_cpus.
int take_number(std::string_view& text) {
  int number = -1;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || number < 0 || number >= CpuSet::most_cpus) return -1;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

CpuSet CpuSet::of(std::vector<int> cpus) {
  std::ranges::sort(cpus);
  CpuSet set;
  for (const int cpu : cpus) {
    if (cpu < 0 || cpu >= most_cpus || set.contains(cpu)) continue;
    set.append({cpu, cpu});
  }
  return set;
}

std::optional<CpuSet> CpuSet::from_list(std::string_view text) {
  CpuSet set;
  if (text.empty()) return set;
  do {
    const int first = take_number(text);
    const int last = take(text, '-') ? take_number(text) : first;
    const bool ascends = set.empty() || set.ranges_.back().last < first;
    if (first < 0 || last < first || !ascends) return std::nullopt;
    set.append({first, last});
  } while (take(text, ','));
  if (!text.empty()) return std::nullopt;
  return set;
}

void CpuSet::append(Range range) {
  if (!empty() && ranges_.back().last + 1 == range.first) {
    ranges_.back().last = range.last;
  } else {
    ranges_.push_back(range);
  }
}

std::string CpuSet::to_list() const {
  std::string text;
  for (const Range& range : ranges_) {
    if (!text.empty()) text += ',';
    text += range.first == range.last ? fmt::format("{}", range.first)
                                      : fmt::format("{}-{}", range.first, range.last);
  }
  return text;
}

int CpuSet::count() const {
  int cpus = 0;
  for (const Range& range : ranges_) cpus += range.last - range.first + 1;
  return cpus;
}

bool CpuSet::contains(int cpu) const {
  return std::ranges::any_of(
      ranges_, [cpu](const Range& range) { return range.first <= cpu && cpu <= range.last; });
}

bool CpuSet::includes(const CpuSet& other) const {
  return std::ranges::all_of(other.ranges_, [this](const Range& asked) {
    return std::ranges::any_of(ranges_, [&](const Range& range) {
      return range.first <= asked.first && asked.last <= range.last;
    });
  });
}

bool CpuSet::meets(const CpuSet& other) const {
  return std::ranges::any_of(other.ranges_, [this](const Range& asked) {
    return std::ranges::any_of(ranges_, [&](const Range& range) {
      return range.first <= asked.last && asked.first <= range.last;
    });
  });
}

}  // namespace motet
