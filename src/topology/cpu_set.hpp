// Which CPUs, by the kernel's numbers. A value; its text is the kernel's list: "0-3,8".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace motet {

class CpuSet {
 public:
  static constexpr int most_cpus = 1 << 16;

  CpuSet() = default;
  // In any order; numbers below 0 and from most_cpus on are left out.
  static CpuSet of(std::vector<int> cpus);
  // Nothing where the text is no list of ascending ranges below most_cpus. "" is the empty set.
  static std::optional<CpuSet> from_list(std::string_view text);
  std::string to_list() const;

  bool empty() const { return ranges_.empty(); }
  int count() const;
  int last() const { return empty() ? -1 : ranges_.back().last; }
  bool contains(int cpu) const;
  bool includes(const CpuSet& other) const;
  bool meets(const CpuSet& other) const;

  bool operator==(const CpuSet&) const = default;

 private:
  struct Range {
    int first, last;
    bool operator==(const Range&) const = default;
  };
  void append(Range range);

  std::vector<Range> ranges_;  // ascending, with gaps between them
};

}  // namespace motet
