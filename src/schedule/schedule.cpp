#include "schedule/schedule.hpp"

#include <algorithm>

namespace motet {
namespace {

bool agree(const Slice& one, const Slice& other) {
  return !one.overlaps(other) || one == other;
}

int pieces(const Step& step, int b) {
  return static_cast<int>(std::clamp<std::size_t>(step.count(), 1, static_cast<std::size_t>(b)));
}

// Where the sub-steps of every step begin; one more entry for the end.
std::vector<std::uint32_t> first_pieces(const Schedule& schedule, int b) {
  std::vector<std::uint32_t> first{0};
  first.reserve(schedule.steps.size() + 1);
  for (const Step& step : schedule.steps) {
    first.push_back(first.back() + static_cast<std::uint32_t>(pieces(step, b)));
  }
  return first;
}

}  // namespace

bool runs_blockwise(const Step& earlier, const Step& later) {
  const bool read_after_write =
      !earlier.writes() || ((!later.reads_src() || agree(earlier.dst, later.src)) &&
                            (!later.reads_dst() || agree(earlier.dst, later.dst)));
  const bool write_after_any =
      !later.writes() || ((!earlier.reads_src() || agree(earlier.src, later.dst)) &&
                          (!earlier.reads_dst() || agree(earlier.dst, later.dst)) &&
                          (!earlier.writes() || agree(earlier.dst, later.dst)));
  return read_after_write && write_after_any;
}

Schedule blocks(const Schedule& schedule, int b) {
  const std::vector<std::uint32_t> first = first_pieces(schedule, b);
  Schedule split;
  split.scratch_count = schedule.scratch_count;
  split.steps.reserve(first.back());
  for (const Step& step : schedule.steps) {
    const int count = pieces(step, b);
    for (int j = 0; j < count; ++j) {
      Step sub = step;
      if (!step.src.empty()) sub.src = step.src.piece(j, count);
      if (!step.dst.empty()) sub.dst = step.dst.piece(j, count);
      sub.first_dependency = static_cast<std::uint32_t>(split.dependencies.size());
      for (const Dependency& on : schedule.dependencies_of(step)) {
        const std::uint32_t begin = first[on.step];
        const std::uint32_t end = first[on.step + 1];
        if (on.blockwise) {
          split.dependencies.push_back({begin + static_cast<std::uint32_t>(j), true});
          continue;
        }
        for (std::uint32_t s = begin; s < end; ++s) split.dependencies.push_back({s, false});
      }
      sub.dependency_count =
          static_cast<std::uint32_t>(split.dependencies.size()) - sub.first_dependency;
      split.steps.push_back(sub);
    }
  }
  return split;
}

}  // namespace motet
