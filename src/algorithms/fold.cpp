#include "algorithms/fold.hpp"

namespace motet {

Fold::Fold(const Group& group) : group_(group) {
  const auto n = static_cast<unsigned>(group.size());
  paired_ = 2 * static_cast<int>(n - std::bit_floor(n));
  passive_ = group.index() < paired_ && group.index() % 2 == 0;
}

Group Fold::core() const {
  std::vector<Rank> members;
  for (int i = 0; i < group_.size(); ++i) {
    if (i >= paired_ || i % 2 == 1) members.push_back(group_.at(i));
  }
  return {members, group_.me()};
}

void Fold::gather(ScheduleBuilder& b, Sum& sum, Via via) const {
  if (group_.index() >= paired_) return;
  if (passive_) {
    b.send(group_.right(), sum.now(), via);
  } else {
    sum.add_in_front(group_.left(), via);
  }
}

void Fold::spread(ScheduleBuilder& b, Slice result, Via via) const {
  if (group_.index() >= paired_) return;
  if (passive_) {
    b.recv(group_.right(), result, via);
  } else {
    b.send(group_.left(), result, via);
  }
}

// Never a rendezvous: both sides overwrite what they send.
void doubling_allreduce(ScheduleBuilder& b, const Group& group, Slice from, Slice into) {
  const Fold fold(group);
  Sum sum(b, from, into);
  fold.gather(b, sum, {});
  if (!fold.passive()) {
    const Group core = fold.core();
    for (int distance = 1; distance < core.size(); distance *= 2) {
      const int partner = core.index() ^ distance;
      b.send(core.at(partner), sum.now());
      if (partner > core.index()) {
        sum.add(core.at(partner), {});
      } else {
        sum.add_in_front(core.at(partner), {});
      }
    }
    sum.settle();
  }
  fold.spread(b, into, {});
}

}  // namespace motet
