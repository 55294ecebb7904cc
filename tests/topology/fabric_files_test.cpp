#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "topology/fabric.hpp"

namespace motet {
namespace {

// The files that are installed.
class FabricFile : public testing::TestWithParam<const char*> {
 protected:
  static Fabric read(const std::vector<std::string>& settings = {}) {
    std::ifstream file(std::string(MOTET_FABRICS) + "/" + GetParam() + ".fabric");
    std::stringstream text;
    text << file.rdbuf();
    return Fabric::from_text(text.str(), settings);
  }
};

TEST_P(FabricFile, ParsesAndPrintsBack) {
  const Fabric fabric = read();
  EXPECT_EQ(fabric.name(), GetParam());
  EXPECT_EQ(Fabric::from_text(fabric.to_text()), fabric);
}

TEST_P(FabricFile, JoinsEveryTwoRanks) {
  const Fabric fabric = read();
  for (Rank from = 0; from < fabric.world_size(); from += 7) {
    for (Rank to = 0; to < fabric.world_size(); ++to) {
      ASSERT_EQ(fabric.route(from, to).empty(), from == to) << from << " to " << to;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Installed, FabricFile,
                         testing::Values("atlas900", "dgx-a100", "dgx-h100", "ndv2", "dgx2",
                                         "mi250", "fat-tree", "wan"));

}  // namespace
}  // namespace motet
