#include "schedule/builder.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"

namespace motet {

ScheduleBuilder::ScheduleBuilder(const Problem& problem, Rank me)
    : problem_(problem),
      me_(me),
      input_(sides(problem, me).input),
      output_(sides(problem, me).output) {
  MOTET_ASSERT(problem.parts.size() == problem.world_size(), "there is a part for every rank");
}

Slice ScheduleBuilder::scratch(std::size_t count) {
  const Slice fresh{Buffer::scratch, schedule_.scratch_count, count};
  schedule_.scratch_count += count;
  return fresh;
}

Slice ScheduleBuilder::workspace() {
  const std::size_t total = problem_.parts.total();
  const bool input_is_free = input_.count == total && works_in_place(problem_, me_);
  Slice space = input_;
  if (output_.count == total) {
    space = output_;
  } else if (!input_is_free) {
    space = scratch(total);
  }
  if (!input_.empty()) copy(input_, input_.count == total ? space : part(space, me_));
  return space;
}

Slice ScheduleBuilder::part(Slice whole, int i) const {
  return part(whole, i, 1);
}

Slice ScheduleBuilder::part(Slice whole, int first, int length) const {
  MOTET_ASSERT(whole.count == problem_.parts.total(),
               "only a slice that holds all parts has parts");
  if (length == 0) return whole.sub(0, 0);
  return whole.sub(problem_.parts.offset(first), problem_.parts.count(first, length));
}

void ScheduleBuilder::copy(Slice src, Slice dst) {
  if (src == dst) return;
  add({.op = Op::copy, .src = src, .dst = dst});
}

void ScheduleBuilder::reduce(Slice src, Slice dst) {
  add({.op = Op::reduce, .src = src, .dst = dst});
}

void ScheduleBuilder::reduce_into_second(Slice src, Slice dst) {
  add({.op = Op::reduce, .incoming_first = true, .src = src, .dst = dst});
}

void ScheduleBuilder::send(Rank peer, Slice src, Via via) {
  add({.op = Op::send, .mover = via.mover, .channel = via.channel, .peer = peer, .src = src});
}

void ScheduleBuilder::recv(Rank peer, Slice dst, Via via) {
  add({.op = Op::recv, .mover = via.mover, .channel = via.channel, .peer = peer, .dst = dst});
}

void ScheduleBuilder::recv_reduce(Rank peer, Slice src, Slice dst, Via via) {
  add({.op = Op::recv_reduce,
       .mover = via.mover,
       .channel = via.channel,
       .peer = peer,
       .src = src,
       .dst = dst});
}

void ScheduleBuilder::recv_reduce_into_second(Rank peer, Slice src, Slice dst, Via via) {
  add({.op = Op::recv_reduce,
       .mover = via.mover,
       .channel = via.channel,
       .incoming_first = true,
       .peer = peer,
       .src = src,
       .dst = dst});
}

Schedule ScheduleBuilder::finish() {
  for (IntervalMap& map : touched_) map.clear();
  return std::exchange(schedule_, {});
}

std::size_t ScheduleBuilder::runs_visited() const {
  std::size_t total = 0;
  for (const IntervalMap& map : touched_) total += map.runs_visited();
  return total;
}

void ScheduleBuilder::check(const Step& step) const {
  const Slice& src = step.src;
  const Slice& dst = step.dst;
  const bool talks = !step.is_local();
  MOTET_ASSERT(!talks || (step.peer >= 0 && step.peer < problem_.world_size()), "peers are ranks");
  MOTET_ASSERT(step.peer != me_, "a rank does not send to itself: it copies");
  MOTET_ASSERT(step.channel < max_channels, "channels are numbered below max_channels");
  const bool has_both = step.is_local() || step.op == Op::recv_reduce;
  MOTET_ASSERT(!has_both || src.count == dst.count, "both slices of a step are equally long");
  MOTET_ASSERT(!has_both || src == dst || !src.overlaps(dst),
               "slices of a step are equal or apart");
}

void ScheduleBuilder::add(Step step) {
  check(step);
  if (step.count() == 0 && (step.is_local() || !ends_may_differ(problem_))) return;
  const auto number = static_cast<std::uint32_t>(schedule_.steps.size());
  earlier_.clear();
  if (step.count() > 0) find_earlier(step, number);
  step.first_dependency = static_cast<std::uint32_t>(schedule_.dependencies.size());
  step.dependency_count = static_cast<std::uint32_t>(earlier_.size());
  for (const std::uint32_t earlier : earlier_) {
    schedule_.dependencies.push_back({earlier, runs_blockwise(schedule_.steps[earlier], step)});
  }
  schedule_.steps.push_back(step);
}

void ScheduleBuilder::find_earlier(const Step& step, std::uint32_t number) {
  // A write follows all that a read of the same slice would.
  if (step.reads_src() && step.src != step.dst) map_of(step.src).read(step.src, number, earlier_);
  if (step.writes()) map_of(step.dst).write(step.dst, number, earlier_);
  std::sort(earlier_.begin(), earlier_.end());
  earlier_.erase(std::unique(earlier_.begin(), earlier_.end()), earlier_.end());
}

}  // namespace motet
