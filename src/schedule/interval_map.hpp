// Who touched which elements of one buffer last: derives the order of steps without comparing all
// pairs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory_resource>
#include <vector>

#include "schedule/slice.hpp"

namespace motet {

class IntervalMap {
 public:
  IntervalMap() = default;
  IntervalMap(const IntervalMap& other)
      : runs_(other.runs_, &pool_), runs_visited_(other.runs_visited_) {}
  IntervalMap& operator=(const IntervalMap&) = delete;

  // `step` reads, or writes, `slice`: appends to `after` the earlier steps it must follow, perhaps
  // some twice. What those follow already is left out: behind a write everything before it, behind
  // reads the write that they read. Steps come in increasing order, slices are not empty and all of
  // one buffer.
  void read(const Slice& slice, std::uint32_t step, std::vector<std::uint32_t>& after);
  void write(const Slice& slice, std::uint32_t step, std::vector<std::uint32_t>& after);

  void clear();
  std::size_t runs_visited() const { return runs_visited_; }

 private:
  static constexpr std::uint32_t nobody = UINT32_MAX;

  struct Run {
    std::size_t end = 0;
    std::uint32_t writer = nobody;
    std::uint32_t reader = nobody;              // the first since it was written
    std::vector<std::uint32_t> more_readers{};  // few runs have any
  };
  using Runs = std::pmr::map<std::size_t, Run>;  // by first element; gaps were never touched

  // The first run that begins at `element` or later. Steps go from neighbour to neighbour: looks
  // beside the latest before it searches.
  Runs::iterator find(std::size_t element);
  // The run at `slice`'s first element, made if there is none; it does not reach beyond the slice.
  Runs::iterator first_run(const Slice& slice);
  // `run`, which lies at `next` or later, or a new one for the gap before it; cut at `end`.
  Runs::iterator run_at(Runs::iterator run, std::size_t next, std::size_t end);
  // Splits the run that holds both sides of the border before `element`, and gives the right half.
  Runs::iterator split(Runs::iterator run, std::size_t element);

  // Runs are made and merged by the thousand, and all go at once.
  std::pmr::monotonic_buffer_resource memory_;
  std::pmr::unsynchronized_pool_resource pool_{&memory_};
  Runs runs_{&pool_};
  Runs::iterator latest_ = runs_.end();
  std::size_t runs_visited_ = 0;
};

}  // namespace motet
