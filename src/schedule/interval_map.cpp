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

IntervalMap::Runs::iterator IntervalMap::find(std::size_t element) {
  const auto is_first = [&](Runs::iterator run) {
    return (run == runs_.end() || run->first >= element) &&
           (run == runs_.begin() || std::prev(run)->first < element);
  };
  const auto latest = latest_;
  if (is_first(latest)) return latest;
  if (latest != runs_.begin() && is_first(std::prev(latest))) return std::prev(latest);
  if (latest != runs_.end() && is_first(std::next(latest))) return std::next(latest);
  return runs_.lower_bound(element);
}

void IntervalMap::clear() {
  runs_.clear();
  latest_ = runs_.end();
}

IntervalMap::Runs::iterator IntervalMap::first_run(const Slice& slice) {
  auto run = find(slice.offset);
  if (run != runs_.begin()) {
    const auto before = std::prev(run);
    if (before->second.end > slice.offset) run = split(before, slice.offset);
  }
  return latest_ = run_at(run, slice.offset, slice.end());
}

void IntervalMap::read(const Slice& slice, std::uint32_t step, std::vector<std::uint32_t>& after) {
  for (auto at = first_run(slice);; at = run_at(std::next(at), at->second.end, slice.end())) {
    Run& run = at->second;
    if (run.writer != nobody) after.push_back(run.writer);
    if (run.reader == nobody) {
      run.reader = step;
    } else {
      run.more_readers.push_back(step);
    }
    if (run.end == slice.end()) return;
  }
}

void IntervalMap::write(const Slice& slice, std::uint32_t step, std::vector<std::uint32_t>& after) {
  const auto first = first_run(slice);
  auto at = first;
  while (at != runs_.end() && at->first < slice.end()) {
    at = run_at(at, at->first, slice.end());
    const Run& run = at->second;
    if (run.reader != nobody) after.push_back(run.reader);
    after.insert(after.end(), run.more_readers.begin(), run.more_readers.end());
    if (run.reader == nobody && run.writer != nobody) after.push_back(run.writer);
    at = at == first ? std::next(at) : runs_.erase(at);
  }
  Run& written = first->second;  // in place: most writes hit a run that is there
  written.end = slice.end();
  written.writer = step;
  written.reader = nobody;
  written.more_readers.clear();
}

}  // namespace motet
