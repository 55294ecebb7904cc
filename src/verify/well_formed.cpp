#include <fmt/format.h>

#include <array>

#include "verify/system.hpp"

namespace motet {
namespace {

bool holds(const Slice& whole, const Slice& slice) {
  return slice.empty() || (whole.buffer == slice.buffer && whole.offset <= slice.offset &&
                           slice.count <= whole.count && slice.end() <= whole.end());
}

// What one rank may touch.
class Bounds {
 public:
  Bounds(const Problem& problem, Rank me, const Schedule& schedule)
      : problem_(problem), me_(me), sides_(sides(problem, me)), schedule_(schedule) {}

  // "" or what is wrong with this step.
  std::string complaint(std::size_t index) const {
    const Step& step = schedule_.steps[index];
    if (!step.is_local()) {
      const bool exists = step.peer >= 0 && step.peer < problem_.world_size() && step.peer != me_;
      if (!exists) return "there is no such peer";
      if (step.channel >= max_channels) return "there is no such channel";
    }
    if (auto wrong = slices(step); !wrong.empty()) return wrong;
    return dependencies(step, index);
  }

 private:
  std::string slices(const Step& step) const {
    if (step.sends() && !step.dst.empty()) return "a send has no destination";
    if (step.op == Op::recv && !step.src.empty()) return "a recv has no source";
    const bool has_both = step.is_local() || step.op == Op::recv_reduce;
    if (has_both && step.src.count != step.dst.count) return "its slices differ in length";
    if (has_both && step.src != step.dst && step.src.overlaps(step.dst)) {
      return "its slices overlap without being equal";
    }
    if (!holds(all(step.src.buffer), step.src)) return "it reads beyond its buffer";
    if (!holds(all(step.dst.buffer), step.dst)) return "it writes beyond its buffer";
    const bool lost = problem_.collective == Collective::reduce_scatter && problem_.in_place;
    if (step.writes() && step.dst.buffer == Buffer::input && !lost &&
        !holds(sides_.output, step.dst)) {
      return "it writes to input";
    }
    return {};
  }

  std::string dependencies(const Step& step, std::size_t index) const {
    if (step.first_dependency + std::size_t{step.dependency_count} >
        schedule_.dependencies.size()) {
      return "its dependencies are not in the schedule";
    }
    for (const Dependency& on : schedule_.dependencies_of(step)) {
      if (on.step >= index) return fmt::format("it follows step {}, which comes later", on.step);
      const Step& earlier = schedule_.steps[on.step];
      if (on.blockwise && (earlier.count() != step.count() || !runs_blockwise(earlier, step))) {
        return fmt::format("it follows step {} block by block, but their slices differ", on.step);
      }
    }
    return {};
  }

  Slice all(Buffer buffer) const {
    if (buffer == Buffer::scratch) return {buffer, 0, schedule_.scratch_count};
    std::size_t end = 0;
    for (const Slice& side : {sides_.input, sides_.output}) {
      if (side.buffer == buffer) end = std::max(end, side.end());
    }
    return {buffer, 0, end};
  }

  const Problem& problem_;
  Rank me_;
  Sides sides_;
  const Schedule& schedule_;
};

}  // namespace

std::string check_well_formed(const System& system) {
  for (Rank rank = 0; rank < system.world_size(); ++rank) {
    const Schedule& schedule = system.schedules[static_cast<std::size_t>(rank)];
    const Bounds bounds(system.problem_of(rank), rank, schedule);
    for (std::size_t i = 0; i < schedule.steps.size(); ++i) {
      const std::string wrong = bounds.complaint(i);
      if (wrong.empty()) continue;
      const Node node = system.first_node[static_cast<std::size_t>(rank)] + static_cast<Node>(i);
      return fmt::format("{}: {}", system.describe(node), wrong);
    }
  }
  return {};
}

}  // namespace motet
