#include "schedule/interval_map.hpp"

#include <algorithm>
#include <iterator>

namespace motet {

IntervalMap::Runs::iterator IntervalMap::split(Runs::iterator run, std::size_t element) {
  const auto right = runs_.emplace_hint(std::next(run), element, run->second);
  run->second.end = element;
  return right;
}

IntervalMap::Runs::iterator IntervalMap::run_at(Runs::iterator run, std::size_t next,
                                                std::size_t end) {
  ++runs_visited_;
  if (run == runs_.end() || run->first > next) {
    const std::size_t gap_end = run == runs_.end() ? end : std::min(run->first, end);
    return runs_.emplace_hint(run, next, Run{.end = gap_end});
  }
  if (run->second.end > end) split(run, end);
  return run;
}

IntervalMap::Runs::iterator IntervalMap::first_run(const Slice& slice) {
  auto run = runs_.lower_bound(slice.offset);
  if (run != runs_.begin()) {
    const auto before = std::prev(run);
    if (before->second.end > slice.offset) run = split(before, slice.offset);
  }
  return run_at(run, slice.offset, slice.end());
}

void IntervalMap::read(const Slice& slice, std::uint32_t step, std::vector<std::uint32_t>& after) {
  for (auto at = first_run(slice);; at = run_at(std::next(at), at->second.end, slice.end())) {
    Run& run = at->second;
    if (run.writer != nobody) after.push_back(run.writer);
    run.readers.push_back(step);
    if (run.end == slice.end()) return;
  }
}

void IntervalMap::write(const Slice& slice, std::uint32_t step, std::vector<std::uint32_t>& after) {
  const auto first = first_run(slice);
  auto at = first;
  while (at != runs_.end() && at->first < slice.end()) {
    at = run_at(at, at->first, slice.end());
    const Run& run = at->second;
    after.insert(after.end(), run.readers.begin(), run.readers.end());
    if (run.readers.empty() && run.writer != nobody) after.push_back(run.writer);
    at = at == first ? std::next(at) : runs_.erase(at);
  }
  Run& written = first->second;  // in place: most writes hit a run that is there
  written.end = slice.end();
  written.writer = step;
  written.readers.clear();
}

}  // namespace motet
