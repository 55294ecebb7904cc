#include "pattern.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <motet/element.hpp>
#include <string>

namespace motet_perf {
namespace {

constexpr std::size_t longer_than_a_tile = 10'000;

TypeRow type(std::string_view name) {
  return types_named(name).front();
}
OpRow op(std::string_view name) {
  return ops_named(name).front();
}
Shape shape(std::string_view name, std::size_t count, int ranks, int root = 0) {
  return {collectives_named(name).front(), count, ranks, root};
}

std::vector<std::byte> filled(const Pattern& pattern, const Segment& segment, std::size_t bytes) {
  std::vector<std::byte> memory(segment.count * bytes);
  pattern.fill(segment, memory.data());
  return memory;
}

TEST(Pattern, FindsNothingWrongInWhatItFilled) {
  for (const TypeRow& t : types()) {
    const Pattern pattern(t, op("sum"), 3, true);
    for (const Segment segment : {Segment{0, 0, longer_than_a_tile}, Segment{2, 4000, 300},
                                  Segment{Segment::combined, 1, longer_than_a_tile}}) {
      const auto memory = filled(pattern, segment, t.bytes);
      EXPECT_EQ(pattern.count_wrong(segment, memory.data()), 0u) << t.name;
    }
  }
}

TEST(Pattern, CountsEveryWrongElement) {
  const Pattern pattern(type("int32"), op("sum"), 2, true);
  const Segment segment{Segment::combined, 7, longer_than_a_tile};
  auto memory = filled(pattern, segment, 4);
  for (const std::size_t element : {std::size_t{0}, std::size_t{5000}, longer_than_a_tile - 1})
    memory[element * 4] ^= std::byte{1};
  EXPECT_EQ(pattern.count_wrong(segment, memory.data()), 3u);
}

// A power of two is what blocks, chunks and parts are multiples of.
TEST(Pattern, NoticesAnotherRankAndABlockInAnotherPlace) {
  for (const TypeRow& t : types()) {
    const Pattern pattern(t, op("max"), 4, false);
    const auto memory = filled(pattern, {1, 0, 4096}, t.bytes);
    EXPECT_GT(pattern.count_wrong({2, 0, 4096}, memory.data()), 3000u) << t.name;
    for (std::size_t shift = 1; shift <= 1 << 20; shift *= 2)
      EXPECT_GT(pattern.count_wrong({1, shift, 4096}, memory.data()), 3000u) << t.name << shift;
  }
}

TEST(Pattern, NoticesAMissingContribution) {
  for (const TypeRow& t : types()) {
    for (const OpRow& o : ops()) {
      if (!is_defined(o, t)) continue;
      // Over all ranks but the last: what a lost message would give.
      const auto partial = filled(Pattern(t, o, 4, true), {Segment::combined, 0, 4096}, t.bytes);
      const Pattern whole(t, o, 5, true);
      EXPECT_GT(whole.count_wrong({Segment::combined, 0, 4096}, partial.data()), 100u)
          << t.name << " " << o.name;
    }
  }
}

template <class T>
std::vector<T> values(const Pattern& pattern, int source, std::size_t count) {
  std::vector<T> result(count);
  pattern.fill({source, 0, count}, reinterpret_cast<std::byte*>(result.data()));
  return result;
}

// The same combination from the last rank to the first, rounding at every step as the library does.
template <class T>
void expect_exact_backwards(std::string_view type_name, int ranks) {
  constexpr std::size_t count = 2000;
  for (const char* name : {"sum", "prod"}) {
    const Pattern pattern(type(type_name), op(name), ranks, true);
    auto result = values<T>(pattern, ranks - 1, count);
    for (int rank = ranks - 2; rank >= 0; --rank) {
      const auto other = values<T>(pattern, rank, count);
      for (std::size_t i = 0; i < count; ++i) {
        const auto a = static_cast<float>(result[i]);
        const auto b = static_cast<float>(other[i]);
        result[i] = T(std::string_view(name) == "sum" ? a + b : a * b);
      }
    }
    EXPECT_EQ(result, values<T>(pattern, Segment::combined, count)) << name << " of " << ranks;
  }
}

TEST(Pattern, IsExactInEveryOrderForFloats) {
  for (const int ranks : {1, 2, 3, 17, 100, 600}) {
    expect_exact_backwards<motet::float16>("float16", ranks);
    expect_exact_backwards<motet::bfloat16>("bfloat16", ranks);
    expect_exact_backwards<float>("float32", ranks);
  }
}

TEST(Pattern, AveragesRoundTowardZero) {
  const Pattern sum(type("int8"), op("sum"), 3, true);
  const Pattern avg(type("int8"), op("avg"), 3, true);
  const auto sums = values<std::int8_t>(sum, Segment::combined, 500);
  const auto averages = values<std::int8_t>(avg, Segment::combined, 500);
  for (std::size_t i = 0; i < sums.size(); ++i) EXPECT_EQ(averages[i], sums[i] / 3);
}

TEST(Shape, SaysWhoGetsWhat) {
  EXPECT_EQ(output_segments(shape("allreduce", 5, 3), 1),
            (std::vector<Segment>{{Segment::combined, 0, 5}}));
  EXPECT_EQ(output_segments(shape("reduce_scatter", 5, 3), 2),
            (std::vector<Segment>{{Segment::combined, 10, 5}}));
  EXPECT_EQ(output_segments(shape("alltoall", 5, 2), 1),
            (std::vector<Segment>{{0, 5, 5}, {1, 5, 5}}));
  EXPECT_EQ(output_segments(shape("scatter", 5, 3, 1), 2), (std::vector<Segment>{{1, 10, 5}}));
  EXPECT_EQ(output_segments(shape("gather", 5, 2, 1), 1),
            (std::vector<Segment>{{0, 0, 5}, {1, 0, 5}}));
  EXPECT_TRUE(output_segments(shape("gather", 5, 2, 1), 0).empty());
  EXPECT_TRUE(output_segments(shape("reduce", 5, 2, 1), 0).empty());
  EXPECT_EQ(output_segments(shape("sendrecv", 5, 3), 0), (std::vector<Segment>{{2, 0, 5}}));
}

TEST(Shape, PlacesBuffersInOneBlockAsTheInterfaceAsks) {
  EXPECT_EQ(in_place(shape("allgather", 5, 3), 2).input, 10u);
  EXPECT_EQ(in_place(shape("reduce_scatter", 5, 3), 2).output, 10u);
  EXPECT_EQ(in_place(shape("gather", 5, 3, 1), 1).input, 5u);
  EXPECT_EQ(in_place(shape("gather", 5, 3, 1), 2).input, 0u);
  EXPECT_EQ(in_place(shape("scatter", 5, 3, 1), 1).output, 5u);
}

Shape skewed(std::string_view name, std::size_t count, int ranks, int skew_percent) {
  Shape result = shape(name, count, ranks, ranks - 1);
  result.skew_percent = skew_percent;
  return result;
}

TEST(Shape, PartsOfVFormsGrowWithTheRankAndComeToAsMany) {
  for (const std::size_t count : {0, 1, 7, 1000, 1'000'003}) {
    for (const int ranks : {1, 2, 3, 17}) {
      for (const int skew : {0, 50, 100}) {
        const Shape v = skewed("allgatherv", count, ranks, skew);
        const std::vector<std::size_t> counts = part_counts(v);
        std::size_t sum = 0;
        for (int rank = 0; rank < ranks; ++rank) {
          EXPECT_EQ(part_offset(v, rank), sum);
          EXPECT_EQ(counts[static_cast<std::size_t>(rank)], part_count(v, rank));
          sum += part_count(v, rank);
        }
        EXPECT_EQ(sum, count * static_cast<std::size_t>(ranks));
      }
    }
  }
  EXPECT_EQ(part_counts(skewed("allgatherv", 100, 2, 0)), (std::vector<std::size_t>{100, 100}));
  EXPECT_EQ(part_counts(skewed("allgatherv", 100, 2, 100)), (std::vector<std::size_t>{0, 200}));
  EXPECT_EQ(part_counts(skewed("allgatherv", 8, 3, 50)), (std::vector<std::size_t>{4, 8, 12}));
  EXPECT_EQ(part_counts(skewed("allgather", 8, 2, 50)), (std::vector<std::size_t>{8, 8}));
}

TEST(Shape, SaysWhoGetsWhatOfUnevenParts) {
  EXPECT_EQ(output_segments(skewed("allgatherv", 100, 2, 50), 0),
            (std::vector<Segment>{{0, 0, 50}, {1, 0, 150}}));
  EXPECT_EQ(output_segments(skewed("reduce_scatterv", 100, 2, 50), 1),
            (std::vector<Segment>{{Segment::combined, 50, 150}}));
  EXPECT_EQ(output_segments(skewed("alltoallv", 100, 2, 50), 1),
            (std::vector<Segment>{{0, 50, 150}, {1, 50, 150}}));
  EXPECT_EQ(output_segments(skewed("scatterv", 100, 2, 50), 0), (std::vector<Segment>{{1, 0, 50}}));
  EXPECT_EQ(output_segments(skewed("gatherv", 100, 2, 50), 1),
            (std::vector<Segment>{{0, 0, 50}, {1, 0, 150}}));
  EXPECT_EQ(input_count(skewed("gatherv", 100, 2, 50), 0), 50u);
  EXPECT_EQ(input_count(skewed("alltoallv", 100, 2, 50), 0), 200u);
  EXPECT_EQ(in_place(skewed("allgatherv", 100, 2, 50), 1).input, 50u);
  EXPECT_EQ(in_place(skewed("reduce_scatterv", 100, 2, 50), 1).output, 50u);
}

}  // namespace
}  // namespace motet_perf
