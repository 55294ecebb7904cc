#include "algorithms/parts.hpp"

#include <algorithm>

namespace motet {

Via via_of(const Problem& problem, const Slice& message) {
  // From here on a copy costs more than the announcement that saves it.
  constexpr std::size_t long_bytes = 16 * 1024;
  const bool is_short = message.count * problem.element_bytes < long_bytes;
  if (problem.lengths == Lengths::known_to_ends && is_short) return {};
  return {.mover = problem.params.mover};
}

void Sum::add(Rank peer, Via via) {
  b_.recv_reduce(peer, now_, into_, via);
  now_ = into_;
}

void Sum::add_in_front(Rank peer, Via via) {
  b_.recv_reduce_into_second(peer, now_, into_, via);
  now_ = into_;
}

namespace {

void combine_own_first(ScheduleBuilder& b, const Group& group, const Combination& c, Via via) {
  Sum sum(b, c.from, c.into);
  for (int k = 1; k < group.size(); ++k) sum.add(group.at(group.index() - k), via);
  sum.settle();
}

// The members before me, the first of whom starts the fold, then I.
void combine_up_to_me(ScheduleBuilder& b, const Group& group, const Combination& c, Via via) {
  if (group.index() == 1) return b.recv_reduce_into_second(group.at(0), c.from, c.into, via);
  const bool in_place = c.from == c.into;
  const Slice sum = in_place ? b.scratch(c.into.count) : c.into;
  b.recv(group.at(0), sum, via);
  for (int i = 1; i < group.index(); ++i) b.recv_reduce(group.at(i), sum, sum, via);
  if (in_place) {
    b.reduce_into_second(sum, c.into);
  } else {
    b.reduce(c.from, c.into);
  }
}

void combine_by_rank(ScheduleBuilder& b, const Group& group, const Combination& c, Via via) {
  if (!group.first()) combine_up_to_me(b, group, c, via);
  Sum sum(b, group.first() ? c.from : c.into, c.into);
  for (int i = group.index() + 1; i < group.size(); ++i) sum.add(group.at(i), via);
  sum.settle();
}

}  // namespace

void combine_all(ScheduleBuilder& b, const Group& group, const Combination& c, Via via) {
  if (c.order == Order::by_rank) return combine_by_rank(b, group, c, via);
  combine_own_first(b, group, c, via);
}

void send_to_all(ScheduleBuilder& b, const Group& group, Slice data, Via via) {
  for (int k = 1; k < group.size(); ++k) b.send(group.at(group.index() + k), data, via);
}

Slice accumulator(const Problem& problem, ScheduleBuilder& b) {
  const std::size_t total = problem.parts.total();
  if (b.output().count == total) return b.output();
  const bool may_overwrite = problem.collective == Collective::reduce_scatter && problem.in_place;
  return may_overwrite ? b.input() : b.scratch(total);
}

void mesh_reduce_scatter(ScheduleBuilder& b, const Group& group, const Reduction& r, Via via) {
  const int me = group.index();
  for (int k = 1; k < group.size(); ++k) b.send(group.at(me + k), r.from.at(me + k), via);
  combine_all(b, group, {r.from.at(me), r.result, r.order}, via);
}

void mesh_allgather(ScheduleBuilder& b, const Group& group, const Gathering& g, Via via) {
  const int n = group.size();
  const int me = group.index();
  for (int k = 1; k < n; ++k) {
    if ((me + k) % n != g.complete) b.send(group.at(me + k), g.mine, via);
  }
  if (me == g.complete) return;
  b.copy(g.mine, g.all.at(me));
  for (int k = 1; k < n; ++k) b.recv(group.at(me - k), g.all.at(me - k), via);
}

void halving_reduce_scatter(ScheduleBuilder& b, const Group& group, const Reduction& r, Via via) {
  const int n = group.size();
  const int me = group.index();
  if (n == 1) return b.copy(r.from.at(0), r.result);
  for (int half = n / 2; half >= 1; half /= 2) {
    const Shares& now = half == n / 2 ? r.from : r.into;
    const int partner = me ^ half;
    const int mine = me & ~(half - 1);  // the shares I go on with
    const int theirs = partner & ~(half - 1);
    const Slice kept = now.run(mine, half).front();
    b.send(group.at(partner), now.run(theirs, half).front(), via);
    b.recv_reduce(group.at(partner), kept, half == 1 ? r.result : r.into.run(mine, half).front(),
                  via);
  }
}

void doubling_allgather(ScheduleBuilder& b, const Group& group, const Gathering& g, Via via) {
  const int me = group.index();
  b.copy(g.mine, g.all.at(me));
  for (int held = 1; held < group.size(); held *= 2) {
    const int partner = me ^ held;
    b.send(group.at(partner), g.all.run(me & ~(held - 1), held).front(), via);
    b.recv(group.at(partner), g.all.run(partner & ~(held - 1), held).front(), via);
  }
}

void disseminate(ScheduleBuilder& b, const Group& group, Slice signal) {
  for (int distance = 1; distance < group.size(); distance *= 2) {
    b.send(group.at(group.index() + distance), signal);
    b.recv(group.at(group.index() - distance), signal);
  }
}

void binomial_broadcast(ScheduleBuilder& b, const Group& group, Slice data, Via via) {
  const int me = group.index();
  int reach = 1;  // half of my subtree, rounded up to a power of two
  while (reach < group.size() && (me & reach) == 0) reach *= 2;
  if (me != 0) b.recv(group.at(me - reach), data, via);
  for (reach /= 2; reach >= 1; reach /= 2) {
    if (me + reach < group.size()) b.send(group.at(me + reach), data, via);
  }
}

void binomial_reduce(ScheduleBuilder& b, const Group& group, Sum& sum, Via via) {
  const int me = group.index();
  for (int reach = 1; reach < group.size(); reach *= 2) {
    if ((me & reach) != 0) return b.send(group.at(me - reach), sum.now(), via);
    if (me + reach < group.size()) sum.add(group.at(me + reach), via);
  }
}

namespace {

// The members of the subtree at member i of a binomial tree with n members: i and those that follow
// it.
int subtree(int i, int n) {
  return i == 0 ? n : std::min(i & -i, n - i);
}

}  // namespace

void binomial_scatter(ScheduleBuilder& b, const Group& group, const Shares& all, Via via) {
  const int n = group.size();
  const int me = group.index();
  const int held = subtree(me, n);
  if (me != 0) b.recv(group.at(me - (me & -me)), all.run(me, held).front(), via);
  int reach = 1;
  while (reach < held) reach *= 2;
  for (reach /= 2; reach >= 1; reach /= 2) {
    const int child = me + reach;
    b.send(group.at(child), all.run(child, subtree(child, n)).front(), via);
  }
}

void binomial_gather(ScheduleBuilder& b, const Group& group, const Shares& all, Via via) {
  const int n = group.size();
  const int me = group.index();
  const int held = subtree(me, n);
  for (int reach = 1; reach < held; reach *= 2) {
    const int child = me + reach;
    b.recv(group.at(child), all.run(child, subtree(child, n)).front(), via);
  }
  if (me != 0) b.send(group.at(me - (me & -me)), all.run(me, held).front(), via);
}

}  // namespace motet
