#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "schedule/builder.hpp"

namespace motet {
namespace {

using testing::HasSubstr;

Schedule sample() {
  const Topology topology = Topology::single_node(2);
  const Problem p{.topology = topology,
                  .collective = Collective::allreduce,
                  .parts = Parts::even(4, 2),
                  .params = {}};
  ScheduleBuilder b(p, 0);
  b.send(1, b.input(), {.channel = 3, .mover = Mover::receiver});
  b.recv_reduce_into_second(1, b.input(), b.output(), {});
  b.reduce(b.input(), b.output());
  b.copy(b.output().piece(0, 2), b.scratch(2));
  return b.finish();
}

TEST(Print, TextHasALinePerStepAndItsOrder) {
  EXPECT_EQ(to_text(sample(), 0),
            "rank 0: 4 steps, 2 elements of scratch\n"
            "   0 send to 1 channel 3 moved by receiver: input[0..4)\n"
            "   1 recv_reduce from 1: output[0..4) = incoming op input[0..4)\n"
            "   2 reduce: output[0..4) = output[0..4) op input[0..4); after ~1\n"
            "   3 copy: scratch[0..2) = output[0..2); after 2\n");
}

TEST(Print, JsonParses) {
  const auto object = nlohmann::json::parse(to_json(sample(), 0));
  EXPECT_EQ(object["rank"], 0);
  EXPECT_EQ(object["steps"].size(), 4U);
  EXPECT_EQ(object["steps"][0]["mover"], "receiver");
  EXPECT_EQ(object["steps"][3]["after"][0]["step"], 2);
  EXPECT_EQ(object["steps"][3]["after"][0]["blockwise"], false);
}

TEST(Print, DotShowsStepsAndArrows) {
  const std::string graph = to_dot(sample(), 0);
  EXPECT_THAT(graph, HasSubstr("digraph rank0 {"));
  EXPECT_THAT(graph, HasSubstr("s1 -> s2 [style=dashed];"));
  EXPECT_THAT(graph, HasSubstr("s2 -> s3;"));
}

}  // namespace
}  // namespace motet
