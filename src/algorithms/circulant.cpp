// Reduce-scatter and allgather on a circulant graph: ceil(log2 n) rounds and the least possible
// traffic for every n. J. L. Träff, "Optimal, Non-pipelined Reduce-scatter and Allreduce
// Algorithms", arXiv:2410.14234.
//
// Shares are counted from one's own: number i of member r belongs to member r + i. A round halves
// the number of shares a member still works on from `open` to `skip` = ceil(open / 2): those from
// `skip` on go to member r + skip, for whom they are its shares 0 .. open - skip - 1.
#include <vector>

#include "algorithms/parts.hpp"

namespace motet {

namespace {

// n, ceil(n/2), ..., 1.
std::vector<int> halvings(int n) {
  std::vector<int> open{n};
  while (open.back() > 1) open.push_back((open.back() + 1) / 2);
  return open;
}

}  // namespace

void circulant_reduce_scatter(ScheduleBuilder& b, const Group& group, const Reduction& r, Via via) {
  const int n = group.size();
  const int me = group.index();
  if (n == 1) return b.copy(r.from.at(0), r.result);
  // The first round combines shares 0 .. n/2 - 1; for odd n share n/2 is sent later without having
  // been combined.
  if (n % 2 == 1) b.copy(r.from.at(me + n / 2), r.into.at(me + n / 2));
  const std::vector<int> open = halvings(n);
  for (std::size_t round = 0; round + 1 < open.size(); ++round) {
    const int skip = open[round + 1];
    const int moved = open[round] - skip;
    const Shares& now = round == 0 ? r.from : r.into;
    for (const Slice& run : now.run(me + skip, moved)) b.send(group.at(me + skip), run, via);
    const auto src = now.run(me, moved);
    const auto dst = skip == 1 ? std::vector{r.result} : r.into.run(me, moved);
    for (std::size_t i = 0; i < src.size(); ++i) {
      b.recv_reduce(group.at(me - skip), src[i], dst[i], via);
    }
  }
}

void circulant_allgather(ScheduleBuilder& b, const Group& group, const Gathering& g, Via via) {
  const int n = group.size();
  const int me = group.index();
  b.copy(g.mine, g.all.at(me));
  const std::vector<int> open = halvings(n);
  for (std::size_t round = open.size() - 1; round-- > 0;) {
    const int skip = open[round + 1];
    const int moved = open[round] - skip;
    if ((me - skip + n) % n != g.complete) {
      for (const Slice& run : g.all.run(me, moved)) b.send(group.at(me - skip), run, via);
    }
    if (me == g.complete) continue;
    for (const Slice& run : g.all.run(me + skip, moved)) b.recv(group.at(me + skip), run, via);
  }
}

}  // namespace motet
