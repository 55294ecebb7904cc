// Reduce-scatter and allgather round a ring. Shares are numbered by the member they belong to; on a
// ring turning by `turn` (1 or -1) a member sends to index + turn. In round k of the reduce-scatter
// it sends share index - (k + 1) turn, which it has just combined, so that its own share arrives
// last; in round k of the allgather share index - k turn.
#include <functional>

#include "algorithms/parts.hpp"

namespace motet {

namespace {

// One message of a round: chunk `chunk` of stream `channel` of a share.
struct Strand {
  int channel, chunk;
  const Params& params;

  int turn() const { return channel % 2 == 0 ? 1 : -1; }
  Via via() const { return {static_cast<Channel>(channel), params.mover}; }
  Slice of(const Slice& share) const {
    return share.piece(channel, params.channels).piece(chunk, params.chunks);
  }
};

void for_each_strand(const Params& params, const std::function<void(const Strand&)>& visit) {
  for (int chunk = 0; chunk < params.chunks; ++chunk) {
    for (int channel = 0; channel < params.channels; ++channel) visit({channel, chunk, params});
  }
}

}  // namespace

void ring_reduce_scatter(ScheduleBuilder& b, const Group& group, const Reduction& r,
                         const Params& params) {
  const int me = group.index();
  const int n = group.size();
  if (n == 1) return b.copy(r.from.at(0), r.result);
  for (int k = 0; k < n - 1; ++k) {
    const bool last = k == n - 2;
    for_each_strand(params, [&](const Strand& strand) {
      const int turn = strand.turn();
      const int sent = me - (k + 1) * turn;
      const int taken = sent - turn;
      const Slice src = r.from.at(taken);
      const Slice dst = last ? r.result : r.into.at(taken);
      b.send(group.at(me + turn), strand.of((k == 0 ? r.from : r.into).at(sent)), strand.via());
      b.recv_reduce(group.at(me - turn), strand.of(src), strand.of(dst), strand.via());
    });
  }
}

void ring_allgather(ScheduleBuilder& b, const Group& group, const Gathering& g,
                    const Params& params) {
  const int me = group.index();
  for (int k = 0; k < group.size() - 1; ++k) {
    for_each_strand(params, [&](const Strand& strand) {
      const int turn = strand.turn();
      const int sent = me - k * turn;
      const int taken = sent - turn;
      const Slice src = k == 0 ? g.mine : g.all.at(sent);
      b.send(group.at(me + turn), strand.of(src), strand.via());
      b.recv(group.at(me - turn), strand.of(g.all.at(taken)), strand.via());
    });
  }
  b.copy(g.mine, g.all.at(me));
}

}  // namespace motet
