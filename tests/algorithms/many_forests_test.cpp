// Forests of more ranks than trees are packed for.
#include <gtest/gtest.h>

#include "algorithms/forest.hpp"
#include "problems.hpp"
#include "topology/fabric.hpp"
#include "verify/verify.hpp"

namespace motet {
namespace {

struct Setting {
  Collective collective;
  bool on_groups;

  std::string name() const {
    return std::string(motet::name(collective)) + (on_groups ? "_in_groups" : "_in_lines");
  }
};

Fabric many(bool on_groups) {
  return Fabric::from_text(
      on_groups ? "fabric groups\nranks 33 nodes x 2 groups x 2\nclass a 5 GB/s 1 us\n"
                  "class b 2 GB/s 1 us\nclass c 3 GB/s 1 us\nmesh group a\nswitch node c\n"
                  "switch world b"
                : "fabric lines\nranks 43 nodes x 3\nclass a 5 GB/s 1 us\nclass b 2 GB/s 1 us\n"
                  "edge node 0-1 a\nedge node 1-2 a\nswitch world b");
}

class ManyForests : public testing::TestWithParam<Setting> {};

TEST_P(ManyForests, AreVerified) {
  const Fabric fabric = many(GetParam().on_groups);
  const int n = fabric.world_size();
  const Collective collective = GetParam().collective;
  const Algorithm& forest = *find_algorithm(collective, "forest");
  const bool whole = collective == Collective::allreduce;
  for (const Params& params : {Params{}, Params{.chunks = 3}, Params{.mover = Mover::receiver},
                               Params{.chunks = 2, .mover = Mover::receiver, .trees = 2}}) {
    for (const bool in_place : {false, true}) {
      const Problem problem{.topology = fabric.topology(),
                            .collective = collective,
                            .parts = whole ? Parts::even(500, n) : Parts::uniform(3, n),
                            .in_place = in_place,
                            .params = params,
                            .fabric = &fabric};
      ASSERT_TRUE(forest.supports(problem));
      EXPECT_LE(forest_ranks(problem), 4);
      const std::vector<Schedule> schedules = build_all(forest, problem);
      for (const int b : {1, 2, 3}) {
        std::vector<Schedule> cut;
        for (const Schedule& schedule : schedules) cut.push_back(blocks(schedule, b));
        EXPECT_EQ(verify(problem, cut), "") << params.chunks << " chunks, " << b << " blocks";
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Of, ManyForests,
                         testing::Values(Setting{Collective::allgather, false},
                                         Setting{Collective::reduce_scatter, false},
                                         Setting{Collective::allreduce, false},
                                         Setting{Collective::allgather, true},
                                         Setting{Collective::reduce_scatter, true},
                                         Setting{Collective::allreduce, true}),
                         [](const auto& its) { return its.param.name(); });

}  // namespace
}  // namespace motet
