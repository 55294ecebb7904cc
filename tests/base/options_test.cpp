#include "base/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace motet {
namespace {

using testing::HasSubstr;

// Every name that from_environment looks at is unset before and after, so that the launcher of this
// test does not matter.
class OptionsTest : public testing::Test {
 protected:
  OptionsTest() { clear(); }
  ~OptionsTest() override {
    clear();
    for (const std::string& name : extra_) unsetenv(name.c_str());
  }
  OptionsTest(const OptionsTest&) = delete;
  OptionsTest& operator=(const OptionsTest&) = delete;

  void set(const std::string& name, const std::string& value) {
    setenv(name.c_str(), value.c_str(), 1);
    extra_.push_back(name);
  }
  static std::string refusal() {
    try {
      Options::from_environment();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      return error.what();
    }
    return "";
  }

 private:
  static void clear() {
    for (const OptionRow& row : option_table()) unsetenv(std::string(row.name).c_str());
    for (const char* name :
         {"RANK", "WORLD_SIZE", "LOCAL_RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"}) {
      unsetenv(name);
    }
  }
  std::vector<std::string> extra_;
};

TEST_F(OptionsTest, AreTheDefaultsInAnEmptyEnvironment) {
  const Options options = Options::from_environment();
  EXPECT_EQ(options.slots, 8);
  EXPECT_EQ(options.log_level, "warning");
  EXPECT_TRUE(options.blockwise);
  EXPECT_FALSE(options.rank.has_value());
  EXPECT_FALSE(options.world_size.has_value());
}

TEST_F(OptionsTest, ShowTheDefaultsThatTheyHave) {
  const Options defaults;
  for (const OptionRow& row : option_table()) {
    if (!row.standard.empty()) set(std::string(row.name), std::string(row.standard));
  }
  const Options shown = Options::from_environment();
  EXPECT_EQ(shown.slots, defaults.slots);
  EXPECT_EQ(shown.block_kib, defaults.block_kib);
  EXPECT_EQ(shown.ring_lines, defaults.ring_lines);
  EXPECT_EQ(shown.setup_timeout_ms, defaults.setup_timeout_ms);
  EXPECT_EQ(shown.timeout_ms, defaults.timeout_ms);
  EXPECT_EQ(shown.log_level, defaults.log_level);
  EXPECT_EQ(shown.blockwise, defaults.blockwise);
  EXPECT_EQ(shown.insecure, defaults.insecure);
}

TEST_F(OptionsTest, ReadEveryKindOfValue) {
  set("MOTET_TRANSPORT", "tcp");
  set("MOTET_SLOTS", "1");
  set("MOTET_LOG", "debug");
  set("MOTET_BLOCKWISE", "0");
  set("MOTET_INSECURE", "1");
  set("MASTER_ADDR", "::1");
  set("MASTER_PORT", "4711");
  const Options options = Options::from_environment();
  EXPECT_EQ(options.transport, "tcp");
  EXPECT_EQ(options.slots, 1);
  EXPECT_EQ(options.log_level, "debug");
  EXPECT_FALSE(options.blockwise);
  EXPECT_TRUE(options.insecure);
  EXPECT_EQ(options.master_address, "::1");
  EXPECT_EQ(options.master_port, 4711);
}

TEST_F(OptionsTest, SuggestTheNearestNameForAnUnknownOne) {
  set("MOTET_SLOT", "4");
  EXPECT_THAT(refusal(),
              HasSubstr("MOTET_SLOT is not an option of Motet; did you mean MOTET_SLOTS?"));
}

TEST_F(OptionsTest, RefuseValuesThatDoNotParseAndSayWhatWasExpected) {
  const std::vector<std::pair<std::string, std::string>> cases{{"MOTET_SLOTS", "many"},
                                                               {"MOTET_SLOTS", ""},
                                                               {"MOTET_SLOTS", "8x"},
                                                               {"MOTET_SLOTS", "0"},
                                                               {"MOTET_SLOTS", "99999999999"},
                                                               {"MOTET_TIMEOUT_MS", "-1"},
                                                               {"MOTET_BLOCKWISE", "yes"},
                                                               {"MOTET_LOG", "loud"},
                                                               {"MOTET_LOG", "or"},
                                                               {"MOTET_LOG", ""},
                                                               {"MASTER_PORT", "65536"}};
  for (const auto& [name, value] : cases) {
    set(name, value);
    EXPECT_THAT(refusal(), HasSubstr(name + "=" + value + ": expected ")) << name << "=" << value;
    unsetenv(name.c_str());
  }
}

TEST_F(OptionsTest, SayTheRangeThatSharedMemoryCanHold) {
  const std::vector<std::array<std::string, 3>> cases{
      {"MOTET_SLOTS", "65", "an integer from 1 to 64"},
      {"MOTET_BLOCK_KIB", "1025", "an integer from 1 to 1024"},
      {"MOTET_RING_LINES", "48", "a power of two from 1 to 65536"},
      {"MOTET_RING_LINES", "131072", "from 1 to 65536"}};
  for (const auto& [name, value, range] : cases) {
    set(name, value);
    EXPECT_THAT(refusal(), HasSubstr(range)) << name << "=" << value;
    unsetenv(name.c_str());
  }
  set("MOTET_SLOTS", "64");
  set("MOTET_BLOCK_KIB", "1024");
  set("MOTET_RING_LINES", "65536");
  EXPECT_EQ(refusal(), "");
}

TEST_F(OptionsTest, TakeTheFirstLauncherThatSetARank) {
  set("SLURM_PROCID", "7");
  set("SLURM_NTASKS", "8");
  set("PMI_RANK", "1");
  set("PMI_SIZE", "4");
  set("MPI_LOCALRANKID", "0");
  const Options options = Options::from_environment();
  EXPECT_EQ(options.rank, 1);
  EXPECT_EQ(options.world_size, 4);
  EXPECT_EQ(options.local_rank, 0);
}

TEST_F(OptionsTest, KnowEveryLauncher) {
  const std::vector<std::vector<std::string>> launchers{
      {"RANK", "WORLD_SIZE", "LOCAL_RANK"},
      {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
      {"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"},
      {"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"}};
  for (const auto& names : launchers) {
    set(names[0], "5");
    set(names[1], "6");
    set(names[2], "2");
    const Options options = Options::from_environment();
    EXPECT_EQ(options.rank, 5) << names[0];
    EXPECT_EQ(options.world_size, 6) << names[1];
    EXPECT_EQ(options.local_rank, 2) << names[2];
    for (const auto& name : names) unsetenv(name.c_str());
  }
}

// Whoever meets by the environment refuses it.
TEST_F(OptionsTest, TellOfAWorldSizeWithoutARank) {
  set("WORLD_SIZE", "4");
  const Options options = Options::from_environment();
  EXPECT_EQ(options.world_size, 4);
  EXPECT_FALSE(options.rank);
}

TEST_F(OptionsTest, RefuseARankOutsideTheWorld) {
  set("RANK", "4");
  set("WORLD_SIZE", "4");
  EXPECT_THAT(refusal(), HasSubstr("RANK=4 must be below WORLD_SIZE=4"));
}

TEST_F(OptionsTest, RemoveTheSecretFromTheEnvironmentAndKeepIt) {
  set("MOTET_SECRET", "hush");
  EXPECT_EQ(Options::from_environment().secret, "hush");
  EXPECT_EQ(getenv("MOTET_SECRET"), nullptr);
  EXPECT_EQ(Options::from_environment().secret, "hush");
}

TEST_F(OptionsTest, HelpNamesEveryOption) {
  for (const OptionRow& row : option_table()) {
    EXPECT_THAT(option_help(), HasSubstr(std::string(row.name)));
    EXPECT_FALSE(row.sentence.empty());
  }
}

}  // namespace
}  // namespace motet
