#include "fabrics/fabric_file.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "base/error.hpp"

namespace motet {
namespace {

using testing::Contains;
using testing::HasSubstr;

std::string complaint(const std::string& name) {
  try {
    load_fabric(name);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(FabricFile, IsFoundByNameOrPath) {
  EXPECT_THAT(installed_fabrics(), Contains("atlas900"));
  const std::vector<std::string> settings{"nodes=2"};
  EXPECT_EQ(load_fabric("atlas900", settings).world_size(), 16);
  const std::string path = testing::TempDir() + std::to_string(getpid()) + ".fabric";
  std::ofstream(path) << "fabric one\nranks 3\n";
  EXPECT_EQ(load_fabric(path).name(), "one");
}

TEST(FabricFile, AWrongNameListsTheRightOnes) {
  EXPECT_THAT(complaint("atlas"), HasSubstr("no fabric 'atlas'"));
  EXPECT_THAT(complaint("atlas"), HasSubstr("atlas900"));
  EXPECT_THAT(complaint("./nowhere.fabric"), HasSubstr("cannot read ./nowhere.fabric"));
  EXPECT_THAT(complaint("/"), HasSubstr("cannot read /"));
}

TEST(FabricFile, WhatIsWrongInAFileNamesTheFile) {
  const std::string path = testing::TempDir() + std::to_string(getpid()) + "_wrong.fabric";
  std::ofstream(path) << "fabric wrong\nranks 3\nswich world ib\n";
  EXPECT_THAT(complaint(path), HasSubstr("wrong.fabric: fabric: line 3, column 1"));
}

}  // namespace
}  // namespace motet
