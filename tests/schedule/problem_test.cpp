#include "schedule/problem.hpp"

#include <gtest/gtest.h>

namespace motet {
namespace {

constexpr std::size_t total = 10;

struct Row {
  Collective collective;
  bool in_place;
  Rank me;
  Slice input, output;
};

Slice in(std::size_t offset, std::size_t count) {
  return {Buffer::input, offset, count};
}
Slice out(std::size_t offset, std::size_t count) {
  return {Buffer::output, offset, count};
}

class Sided : public testing::TestWithParam<Row> {};

// Three ranks have 4, 3 and 3 of the ten elements; rank 1 is the root.
TEST_P(Sided, BuffersAreThoseOfTheTable) {
  const Topology topology = Topology::single_node(3);
  const Problem problem{.topology = topology,
                        .collective = GetParam().collective,
                        .parts = Parts::even(total, 3),
                        .root = 1,
                        .in_place = GetParam().in_place,
                        .params = {}};
  const Sides found = sides(problem, GetParam().me);
  EXPECT_EQ(found.input, GetParam().input);
  EXPECT_EQ(found.output, GetParam().output);
}

INSTANTIATE_TEST_SUITE_P(
    Everything, Sided,
    testing::Values(Row{Collective::allreduce, false, 0, in(0, 10), out(0, 10)},
                    Row{Collective::allreduce, true, 0, out(0, 10), out(0, 10)},
                    Row{Collective::reduce, false, 0, in(0, 10), out(0, 0)},
                    Row{Collective::reduce, true, 1, out(0, 10), out(0, 10)},
                    Row{Collective::reduce, true, 2, in(0, 10), out(0, 0)},
                    Row{Collective::broadcast, false, 1, in(0, 10), out(0, 10)},
                    Row{Collective::broadcast, true, 1, out(0, 10), out(0, 10)},
                    Row{Collective::broadcast, true, 0, in(0, 0), out(0, 10)},
                    Row{Collective::allgather, false, 0, in(0, 4), out(0, 10)},
                    Row{Collective::allgather, true, 2, out(7, 3), out(0, 10)},
                    Row{Collective::reduce_scatter, false, 2, in(0, 10), out(0, 3)},
                    Row{Collective::reduce_scatter, true, 2, in(0, 10), in(7, 3)},
                    Row{Collective::gather, false, 1, in(0, 3), out(0, 10)},
                    Row{Collective::gather, true, 1, out(4, 3), out(0, 10)},
                    Row{Collective::gather, true, 0, in(0, 4), out(0, 0)},
                    Row{Collective::scatter, false, 1, in(0, 10), out(0, 3)},
                    Row{Collective::scatter, true, 1, in(0, 10), in(4, 3)},
                    Row{Collective::scatter, true, 0, in(0, 0), out(0, 4)},
                    Row{Collective::alltoall, true, 0, out(0, 10), out(0, 10)},
                    Row{Collective::send, false, 0, in(0, 10), out(0, 0)},
                    Row{Collective::send, false, 1, in(0, 0), out(0, 10)},
                    Row{Collective::recv, false, 0, in(0, 0), out(0, 10)},
                    Row{Collective::barrier, false, 0, in(0, 0), out(0, 0)}));

}  // namespace
}  // namespace motet
