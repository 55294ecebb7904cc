#include "vocabulary.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace motet_perf {
namespace {

CollectiveRow row(std::string_view name) {
  return collectives_named(name).front();
}

TEST(Vocabulary, ReadsSizesWithSuffixes) {
  EXPECT_EQ(parse_bytes("0"), 0u);
  EXPECT_EQ(parse_bytes("8"), 8u);
  EXPECT_EQ(parse_bytes("64K"), 64u << 10);
  EXPECT_EQ(parse_bytes("16m"), 16u << 20);
  EXPECT_EQ(parse_bytes("2GiB"), std::size_t{2} << 30);
  for (const char* wrong : {"", "K", "-1", "1.5M", "12Q", "8 K", "8KK", "99999999999999G"})
    EXPECT_THROW(parse_bytes(wrong), std::invalid_argument) << wrong;
}

TEST(Vocabulary, KnowsEveryTypeOfTheInterfaceByNumberAndSize) {
  ASSERT_EQ(types().size(), 12u);
  for (std::size_t i = 0; i < types().size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(types()[i].type), i);
    EXPECT_EQ(types()[i].bytes, motet_element_bytes(types()[i].type)) << types()[i].name;
  }
}

TEST(Vocabulary, AnswersToTheWordsOfNcclTests) {
  EXPECT_EQ(types_named("half").front().type, motet_float16);
  EXPECT_EQ(types_named("float").front().type, motet_float32);
  EXPECT_EQ(types_named("all").size(), 12u);
  EXPECT_EQ(ops_named("all").size(), 9u);
  EXPECT_THROW(collectives_named("allreduces"), std::invalid_argument);
  EXPECT_EQ(type_named("half").type, motet_float16);
  EXPECT_THROW((void)type_named("all"), std::invalid_argument);
}

TEST(Vocabulary, PremultipliedSumsExistForFloatsOnly) {
  EXPECT_TRUE(is_defined(ops_named("premul_sum").front(), types_named("half").front()));
  EXPECT_FALSE(is_defined(ops_named("premul_sum").front(), types_named("int32").front()));
}

TEST(Vocabulary, BitwiseOpsExistForIntegersOnly) {
  EXPECT_TRUE(is_defined(ops_named("xor").front(), types_named("uint8").front()));
  EXPECT_FALSE(is_defined(ops_named("xor").front(), types_named("float").front()));
  EXPECT_TRUE(is_defined(ops_named("avg").front(), types_named("float").front()));
}

TEST(Vocabulary, CountsAsNcclTestsDoes) {
  EXPECT_EQ(count_for(row("allreduce"), 1024, 4, 4), 256u);
  EXPECT_EQ(count_for(row("allgather"), 1024, 4, 4), 64u);
  EXPECT_EQ(bytes_of(row("allgather"), 64, 4, 4), 1024u);
  EXPECT_EQ(count_for(row("allgather"), 8, 4, 5), 1u);  // never less than an element
  EXPECT_EQ(count_for(row("allgather"), 0, 4, 5), 0u);
  EXPECT_EQ(count_for(row("barrier"), 1024, 4, 5), 0u);
}

TEST(Vocabulary, BusBandwidthIsWhatTheBusiestLinkCarries) {
  EXPECT_DOUBLE_EQ(bus_factor(Kind::allreduce, 4), 1.5);
  EXPECT_DOUBLE_EQ(bus_factor(Kind::reduce_scatter, 4), 0.75);
  EXPECT_DOUBLE_EQ(bus_factor(Kind::broadcast, 4), 1);
  EXPECT_DOUBLE_EQ(bus_factor(Kind::allreduce, 1), 0);
}

}  // namespace
}  // namespace motet_perf
