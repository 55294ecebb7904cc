// Small correct schedules to prove, and to break.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "schedule/builder.hpp"
#include "verify/verify.hpp"

namespace motet {

inline const Topology& ranks(int n) {
  static std::map<int, Topology> known;
  return known.try_emplace(n, Topology::single_node(n)).first->second;
}

inline Problem problem(Collective collective, int n, std::size_t total, bool in_place = false) {
  return {.topology = ranks(n),
          .collective = collective,
          .parts = Parts::even(total, n),
          .in_place = in_place,
          .params = {}};
}

using Writer = std::function<void(Rank me, ScheduleBuilder& b)>;

inline std::vector<Schedule> written(const Problem& p, const Writer& write) {
  std::vector<Schedule> schedules;
  for (Rank me = 0; me < p.world_size(); ++me) {
    ScheduleBuilder b(p, me);
    write(me, b);
    schedules.push_back(b.finish());
  }
  return schedules;
}

inline std::vector<Schedule> blocks(const std::vector<Schedule>& schedules, int b) {
  std::vector<Schedule> split;
  split.reserve(schedules.size());
  for (const Schedule& schedule : schedules) split.push_back(blocks(schedule, b));
  return split;
}

// Takes what orders step `later` behind `earlier` out of a schedule.
inline void drop_order(Schedule& schedule, std::size_t later, std::uint32_t earlier) {
  Step& step = schedule.steps.at(later);
  auto first = schedule.dependencies.begin() + step.first_dependency;
  for (auto at = first; at != first + step.dependency_count; ++at) {
    if (at->step != earlier) continue;
    std::iter_swap(at, first + step.dependency_count - 1);
    --step.dependency_count;
    return;
  }
}

inline std::vector<Schedule> ring_allreduce(const Problem& p, Mover mover = Mover::either) {
  return written(p, [&](Rank me, ScheduleBuilder& b) {
    const Group ring = p.topology.world(me);
    const Slice all = b.workspace();
    const auto part = [&](int i) { return b.part(all, ring.at(i)); };
    for (int i = 0; i + 1 < ring.size(); ++i) {
      b.send(ring.right(), part(me - i), {.mover = mover});
      b.recv_reduce(ring.left(), part(me - i - 1), part(me - i - 1), {.mover = mover});
    }
    for (int i = 0; i + 1 < ring.size(); ++i) {
      b.send(ring.right(), part(me + 1 - i), {.mover = mover});
      b.recv(ring.left(), part(me - i), {.mover = mover});
    }
  });
}

// Everybody sends all to all and sums in the order of ranks.
inline std::vector<Schedule> mesh_allreduce(const Problem& p) {
  return written(p, [&](Rank me, ScheduleBuilder& b) {
    const Group world = p.topology.world(me);
    const Slice own = b.scratch(b.input().count);
    b.copy(b.input(), own);
    for (int k = 1; k < world.size(); ++k) b.send(world.at(me + k), own);
    for (Rank from = 0; from < world.size(); ++from) {
      if (from == me && from == 0) b.copy(own, b.output());
      if (from == me && from != 0) b.reduce(own, b.output());
      if (from != me && from == 0) b.recv(from, b.output());
      if (from != me && from != 0) b.recv_reduce(from, b.output(), b.output());
    }
  });
}

inline std::vector<Schedule> mesh_allgather(const Problem& p) {
  return written(p, [&](Rank me, ScheduleBuilder& b) {
    const Group world = p.topology.world(me);
    b.copy(b.input(), b.part(b.output(), me));
    for (int k = 1; k < world.size(); ++k) b.send(world.at(me + k), b.input());
    for (int k = 1; k < world.size(); ++k) {
      b.recv(world.at(me - k), b.part(b.output(), world.at(me - k)));
    }
  });
}

}  // namespace motet
