#include "options.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

namespace motet_perf {
namespace {

// The launcher that runs these tests may have left its own words in the environment.
class PerfOptions : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"RANK", "WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
                             "PMI_RANK", "PMI_SIZE", "SLURM_PROCID", "SLURM_NTASKS"})
      unsetenv(name);
  }

  static Parsed parsed(std::vector<const char*> words) {
    words.insert(words.begin(), "motet-perf");
    return parse(static_cast<int>(words.size()), words.data());
  }
};

TEST_F(PerfOptions, FollowNcclTests) {
  const Options options = parsed({"allreduce", "--ranks", "4", "-b", "8", "-e", "64M", "-f", "4",
                                  "-n", "7", "-w", "2", "-c", "3", "-o", "max", "-d", "half"})
                              .options;
  EXPECT_EQ(options.launch.ranks, 4);
  EXPECT_EQ(options.launch.start, Start::processes);
  EXPECT_EQ(options.sizes.largest, std::size_t{64} << 20);
  EXPECT_EQ(options.sizes.factor, 4u);
  EXPECT_EQ(options.repeats.iterations, 7);
  EXPECT_EQ(options.repeats.warmup, 2);
  EXPECT_EQ(options.repeats.checks, 3);
  EXPECT_EQ(options.ops.front().op, motet_max);
  EXPECT_EQ(options.types.front().type, motet_float16);
}

TEST_F(PerfOptions, AloneBStartsAboveTheUsualEnd) {
  const Options options = parsed({"allreduce", "-b", "128M"}).options;
  EXPECT_EQ(options.sizes.largest, std::size_t{128} << 20);
}

TEST_F(PerfOptions, TakeAListOfSizes) {
  const Options options = parsed({"allreduce", "--sizes", "1M,8,16K"}).options;
  EXPECT_EQ(sizes_of(options.sizes),
            (std::vector<std::size_t>{8, std::size_t{16} << 10, std::size_t{1} << 20}));
  EXPECT_EQ(parsed({"allreduce", "--sizes", "8,lots"}).exit_status, 2);
}

TEST_F(PerfOptions, TakesTheRanksOfTheLauncherAround) {
  setenv("PMI_RANK", "1", 1);
  setenv("PMI_SIZE", "3", 1);
  const Options options = parsed({"all"}).options;
  EXPECT_EQ(options.launch.start, Start::environment);
  EXPECT_EQ(options.launch.ranks, 3);
  EXPECT_EQ(parsed({"all", "--ranks", "3"}).options.launch.start, Start::environment);
  EXPECT_EQ(parsed({"all", "--ranks", "2"}).exit_status, 2);
}

TEST_F(PerfOptions, StartARankPerCoreUnlessToldHowMany) {
  EXPECT_GE(parsed({"allreduce"}).options.launch.ranks, 2);
  const Options threads = parsed({"allreduce", "--threads"}).options;
  EXPECT_EQ(threads.launch.start, Start::threads);
  EXPECT_GE(threads.launch.ranks, 2);
}

TEST_F(PerfOptions, RefuseALauncherThatSaysHalf) {
  setenv("WORLD_SIZE", "2", 1);
  EXPECT_EQ(parsed({"all"}).exit_status, 2);  // not one rank that measures itself
  setenv("RANK", "0", 1);
  EXPECT_EQ(parsed({"all"}).options.launch.ranks, 2);
  for (const char* wrong : {"abc", "", "0", "2x"}) {
    setenv("WORLD_SIZE", wrong, 1);
    EXPECT_EQ(parsed({"all"}).exit_status, 2) << wrong;
  }
  unsetenv("WORLD_SIZE");
  EXPECT_EQ(parsed({"all"}).exit_status, 2);
}

TEST_F(PerfOptions, TakeNoNoticeOfAnAllocationInWhichNothingWasLaunched) {
  setenv("SLURM_NTASKS", "3", 1);
  EXPECT_EQ(parsed({"all"}).options.launch.start, Start::processes);
}

TEST_F(PerfOptions, RefuseWhatMakesNoSense) {
  EXPECT_EQ(parsed({}).exit_status, 2);
  EXPECT_EQ(parsed({"nonsense"}).exit_status, 2);
  EXPECT_EQ(parsed({"--replay", "/nowhere/steps"}).exit_status, 2);
  EXPECT_EQ(parsed({"allreduce", "-b", "1K", "-e", "8"}).exit_status, 2);
  EXPECT_EQ(parsed({"allreduce", "-f", "2", "-i", "8"}).exit_status, 2);
  EXPECT_EQ(parsed({"allreduce", "-i", "0"}).exit_status, 2);
  EXPECT_EQ(parsed({"allreduce", "-o", "and"}).exit_status, 2);
  EXPECT_EQ(parsed({"reduce", "--ranks", "4", "-r", "4"}).exit_status, 2);
  EXPECT_EQ(parsed({"allreduce", "--ranks", "0"}).exit_status, 2);
  EXPECT_EQ(parsed({"allreduce", "--ranks", "two"}).exit_status, 2);
  EXPECT_EQ(parsed({"allreduce", "--ranks", "99999999999"}).exit_status, 2);
  EXPECT_EQ(parsed({"allreduce", "-r", "-1"}).exit_status, 2);
}

TEST(Sizes, StepOrMultiply) {
  EXPECT_EQ(sizes_of({8, 64, 0, 2}), (std::vector<std::size_t>{8, 16, 32, 64}));
  EXPECT_EQ(sizes_of({8, 30, 10, 2}), (std::vector<std::size_t>{8, 18, 28}));
}

TEST(Sizes, AfterNothingComeTheUsualOnes) {
  EXPECT_EQ(sizes_of({0, 64, 0, 2}), (std::vector<std::size_t>{0, 8, 16, 32, 64}));
  EXPECT_EQ(sizes_of({0, 30, 10, 2}), (std::vector<std::size_t>{0, 10, 20, 30}));
  EXPECT_EQ(sizes_of({0, 4, 0, 2}), (std::vector<std::size_t>{0}));
}

}  // namespace
}  // namespace motet_perf
