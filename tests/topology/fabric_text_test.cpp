#include <gmock/gmock.h>

#include <random>

#include "base/error.hpp"
#include "topology/fabric.hpp"

namespace motet {
namespace {

using testing::HasSubstr;

const std::string head = "fabric f\nranks 2 nodes x 4\nclass ib 25 GB/s 2 us\n";

std::string complaint(const std::string& text, const std::vector<std::string>& settings = {}) {
  try {
    Fabric::from_text(text, settings);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return "";
}

TEST(FabricText, ParsesBack) {
  const Fabric fabric = Fabric::from_text(R"(
fabric everything # and a comment
ranks 2 pods x 2 nodes x 4
class a 100 Gbit/s 2.5 us
class b 1.1 GiB/s 3 ns shared, 1 KiB 4 us, 64 KiB 30.3 ms
switch node a
rails world b of node x 3
edge node 0-3 b x 2
switch world b, 3 a, 15 a
reduce 200.7 GB/s
copy 12 MB/s
overhead 0.3 us
)");
  EXPECT_EQ(Fabric::from_text(fabric.to_text()), fabric) << fabric.to_text();
  EXPECT_THAT(fabric.to_text(), HasSubstr("class a 12.5 GB/s 2.5 us\n"));
  EXPECT_THAT(fabric.to_text(), HasSubstr("rails world b of node x 3\n"));
  EXPECT_THAT(fabric.to_text(), HasSubstr("switch world b, 3 a, 15 a\n"));
  EXPECT_EQ(fabric.classes()[1].sharing, Sharing::shared);
}

TEST(FabricText, RanksMayBePlacedLineByLine) {
  const Fabric fabric = Fabric::from_text(
      "fabric f\nrank 0: node a\nrank 1: node b\nrank 2: node a\nclass ib 25 GB/s 2 us\n"
      "switch world ib");
  EXPECT_EQ(fabric.topology(), Topology::from_nodes({0, 1, 0}));
  EXPECT_EQ(Fabric::from_text(fabric.to_text()), fabric);
}

TEST(FabricText, SettingsChangeCountsAndAmounts) {
  const std::string text = head + "switch world ib\nreduce 100 GB/s\n";
  const std::vector<std::string> settings{"nodes=3", "ranks = 2", "ib=100Gbit/s", "ib.latency=4us",
                                          "reduce=50GB/s"};
  const Fabric fabric = Fabric::from_text(text, settings);
  EXPECT_EQ(fabric.topology(), Topology::from_text("3 nodes x 2"));
  EXPECT_EQ(fabric.classes()[0].bandwidth, Bandwidth::gigabytes(12.5));
  EXPECT_EQ(fabric.classes()[0].latency, microseconds(4));
  EXPECT_EQ(fabric.reduce(), Bandwidth::gigabytes(50));
}

TEST(FabricText, AWrongSettingIsQuoted) {
  EXPECT_THAT(complaint(head, {"ibb=3 GB/s"}), HasSubstr("setting 'ibb=3 GB/s': line 1, column 1"));
  EXPECT_THAT(complaint(head, {"ibb=3 GB/s"}), HasSubstr("did you mean 'ib'?"));
  EXPECT_THAT(complaint(head, {"ib=3"}), HasSubstr("expected 'GB/s'"));
  EXPECT_THAT(complaint(head, {"ib=0GB/s"}), HasSubstr("1 B/s or more"));
  EXPECT_THAT(complaint(head, {"ib=1GB/s 2"}), HasSubstr("expected the end"));
  EXPECT_THAT(complaint(head, {"nodes=0"}), HasSubstr("between 1 and"));
  EXPECT_THAT(complaint(head, {"nodes=9999999999"}), HasSubstr("between 1 and"));
  EXPECT_THAT(complaint(head, {""}), HasSubstr("the text ends"));
}

TEST(FabricText, ErrorsNameLineColumnAndWhatWasExpected) {
  EXPECT_THAT(complaint(""), HasSubstr("fabric: line 1, column 1: expected 'fabric'"));
  EXPECT_THAT(complaint("fabric f\nrank 1: node a"), HasSubstr("line 2, column 6"));
  EXPECT_THAT(complaint(head + "mehs world ib"), HasSubstr("(did you mean 'mesh'?), found 'mehs'"));
  EXPECT_THAT(complaint(head + "mesh nodes ib"), HasSubstr("(did you mean 'node'?)"));
  EXPECT_THAT(complaint(head + "mesh world eth"), HasSubstr("expected 'ib', found 'eth'"));
  EXPECT_THAT(complaint(head + "mesh world ib x 0"), HasSubstr("column 17: expected how many"));
  EXPECT_THAT(complaint(head + "mesh world ib 2"), HasSubstr("expected the end of the line"));
  EXPECT_THAT(complaint(head + "edge node 0-4 ib"), HasSubstr("line 4, column 13: expected a pos"));
  EXPECT_THAT(complaint(head + "edge node 1-1 ib"), HasSubstr("another position"));
  EXPECT_THAT(complaint(head + "switch world ib, 3 eth"), HasSubstr("expected 'ib', found 'eth'"));
  EXPECT_THAT(complaint(head + "switch world ib, 3 ib, 3 ib"), HasSubstr("a higher number"));
  EXPECT_THAT(complaint(head + "switch world ib, 4294967299 ib"), HasSubstr("0 to 2097152"));
  EXPECT_THAT(complaint(head + "switch world ib, 8 ib"),
              HasSubstr("expected 0 to 7, not 8 in the"));
  EXPECT_THAT(complaint(head + "class ib 1 GB/s 1 us"), HasSubstr("a new name"));
  EXPECT_THAT(complaint(head + "class nodes 1 GB/s 1 us"), HasSubstr("a new name"));
  EXPECT_THAT(complaint(head + "class a 0 GB/s 1 us"), HasSubstr("1 B/s or more, found '0'"));
  EXPECT_THAT(complaint(head + "class a -1 GB/s 1 us"), HasSubstr("a bandwidth such as"));
  EXPECT_THAT(complaint(head + "class a 1e300 GB/s 1 us"), HasSubstr("a bandwidth such as"));
  EXPECT_THAT(complaint(head + "class a 1 GBs 1 us"), HasSubstr("expected 'GB/s'"));
  EXPECT_THAT(complaint(head + "class a 1 GB/s 1 parsec"), HasSubstr("expected 'us'"));
  EXPECT_THAT(complaint(head + "reduce 1 GB/s\nreduce 2 GB/s"), HasSubstr("only once"));
}

TEST(FabricText, SwitchesAreJoinedOnlyOnceALineHasGivenThem) {
  EXPECT_THAT(complaint(head + "mesh world ib of node"), HasSubstr("a line before this one"));
  EXPECT_THAT(complaint(head + "switch world ib\nswitch node ib of world"),
              HasSubstr("a line before this one that gives switches to node"));
}

TEST(FabricText, NoRowOfATableIsFasterThanTheLink) {
  EXPECT_THAT(complaint(head + "class a 1 GB/s 1 us, 1 KiB 1 us"), HasSubstr("1 GB/s can carry"));
  EXPECT_THAT(complaint(head + "class a 1 GB/s 1 us, 1 KiB 9 us, 1 KiB 9 us"),
              HasSubstr("column 34: expected more bytes"));
}

TEST(FabricText, AskingForTooMuchIsAnErrorNotAnAllocation) {
  const std::string big = "fabric f\nranks 100000 nodes x 8\nclass ib 25 GB/s 2 us\n";
  EXPECT_THAT(complaint(big + "mesh world ib"), HasSubstr("'mesh world ib' asks for"));
  std::string lines = head;
  for (int i = 0; i < 5000; ++i) lines += "switch world ib\n";
  EXPECT_THAT(complaint(lines), HasSubstr("at most 4096 lines"));
}

TEST(FabricText, AMillionLinesAndBinaryGarbageAreRefused) {
  std::string blank = head + std::string(1000000, '\n') + "what";
  EXPECT_THAT(complaint(blank), HasSubstr("line 1000004, column 1"));
  std::string garbage(1000000, '\0');
  std::mt19937 random(1);
  for (char& c : garbage) c = static_cast<char>(random());
  EXPECT_THAT(complaint(garbage), HasSubstr("expected"));
  EXPECT_THAT(complaint(head + garbage), HasSubstr("expected"));
  EXPECT_THAT(complaint(head + std::string(1000000, '9')), HasSubstr("expected"));
  EXPECT_THAT(complaint(head + "reduce " + std::string(1000000, '9')), HasSubstr("expected"));
}

// Random edits of a good text: an Error or a fabric that prints back, never anything else.
TEST(FabricText, GarbageIsAnErrorOrPrintsBack) {
  const std::string seed = head + "switch node ib\nmesh world ib of node x 2\nedge node 0-3 ib\n";
  const std::string letters = "0129 x:,#\nrankode-\t.s\xff/GBu";
  std::mt19937 random(7);
  for (int round = 0; round < 4000; ++round) {
    std::string text = seed;
    for (unsigned edits = random() % 4 + 1; edits > 0; --edits) {
      const std::size_t at = random() % text.size();
      if (random() % 2 == 0) text.erase(at, 1);
      text.insert(at, 1, letters[random() % letters.size()]);
    }
    try {
      const Fabric fabric = Fabric::from_text(text);
      if (fabric.world_size() > 1000) continue;
      ASSERT_EQ(Fabric::from_text(fabric.to_text()), fabric) << text;
    } catch (const Error& error) {
      ASSERT_THAT(error.what(), HasSubstr("expected")) << text;
    }
  }
}

}  // namespace
}  // namespace motet
