#include "schedule/problem.hpp"

#include "base/assert.hpp"

namespace motet {
namespace {

Slice whole(Buffer buffer, std::size_t count) {
  return {buffer, 0, count};
}

Slice share(Buffer buffer, const Problem& p, Rank rank) {
  return {buffer, p.parts.offset(rank), p.parts.count(rank)};
}

constexpr auto in = Buffer::input;
constexpr auto out = Buffer::output;

Sides out_of_place(const Problem& p, Rank me) {
  const std::size_t total = p.parts.total();
  const std::size_t mine = p.parts.count(me);
  const std::size_t total_at_root = me == p.root ? total : 0;
  switch (p.collective) {
    case Collective::allreduce:
      return {whole(in, total), whole(out, total)};
    case Collective::alltoall:
      return {whole(in, total), whole(out, p.received_parts().total())};
    case Collective::reduce:
      return {whole(in, total), whole(out, total_at_root)};
    case Collective::broadcast:
      return {whole(in, total_at_root), whole(out, total)};
    case Collective::allgather:
      return {whole(in, mine), whole(out, total)};
    case Collective::reduce_scatter:
      return {whole(in, total), whole(out, mine)};
    case Collective::gather:
      return {whole(in, mine), whole(out, total_at_root)};
    case Collective::scatter:
      return {whole(in, total_at_root), whole(out, mine)};
    case Collective::send:
      return {whole(in, total - total_at_root), whole(out, total_at_root)};
    case Collective::recv:
      return {whole(in, total_at_root), whole(out, total - total_at_root)};
    case Collective::barrier:
      return {whole(in, 0), whole(out, 0)};
  }
  MOTET_ASSERT(false, "every collective has its buffers");
}

}  // namespace

bool works_in_place(const Problem& p, Rank me) {
  const bool has_both = !is_point_to_point(p.collective) && p.collective != Collective::barrier;
  return p.in_place && has_both && (!has_root(p.collective) || me == p.root);
}

Sides sides(const Problem& p, Rank me) {
  const Sides apart = out_of_place(p, me);
  if (!works_in_place(p, me)) return apart;
  switch (p.collective) {
    case Collective::allgather:
    case Collective::gather:
      return {share(out, p, me), apart.output};
    case Collective::reduce_scatter:
    case Collective::scatter:
      return {apart.input, share(in, p, me)};
    default:
      return {apart.output, apart.output};
  }
}

}  // namespace motet
