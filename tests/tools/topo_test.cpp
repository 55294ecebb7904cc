#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "gather.hpp"
#include "layout.hpp"
#include "parts.hpp"
#include "picture.hpp"
#include "plans.hpp"
#include "print.hpp"

namespace motet_topo {
namespace {

using testing::Contains;
using testing::HasSubstr;

std::string recorded(const std::string& name) {
  return std::string(MOTET_MACHINES) + "/" + name + ".xml";
}

std::string file_with(const std::string& text) {
  // Tests run side by side.
  const std::string path = testing::TempDir() + "survey_" + std::to_string(getpid()) + ".txt";
  std::ofstream(path) << text;
  return path;
}

std::string complaint(const std::string& file) {
  try {
    load(file, 0);
  } catch (const motet::Error& error) {
    EXPECT_EQ(error.code(), motet::ErrorCode::invalid_argument);
    return error.what();
  }
  return "";
}

TEST(Load, DealsRanksOverTheAllowedCpus) {
  const View view = load(recorded("two_sockets"), 8);
  ASSERT_EQ(view.survey.seats.size(), 8);
  EXPECT_EQ(view.survey.seats[3].cpus.to_list(), "24-31");
  EXPECT_EQ(view.topology.to_text(), "1 nodes x 2 packages x 2 numas x 2");
  EXPECT_EQ(view.machine.cores_per_node, 64);
}

TEST(Load, DealsMoreRanksThanCpus) {
  const View view = load(recorded("container"), 5);
  ASSERT_EQ(view.survey.seats.size(), 5);
  EXPECT_EQ(view.survey.seats[0].cpus.to_list(), "5");
  EXPECT_EQ(view.survey.seats[4].cpus.count(), 1);
  EXPECT_EQ(view.machine.cores_per_node, 2);
}

TEST(Load, ReadsWhatASurveyPrints) {
  const View view = load(recorded("asymmetric"), 4);
  EXPECT_EQ(load(file_with(view.survey.to_text()), 0).survey, view.survey);
}

TEST(Load, SaysWhatIsWrongWithAFile) {
  EXPECT_THAT(complaint("/nonexistent"), HasSubstr("cannot be read"));
  EXPECT_THAT(complaint(file_with("machine\npackage id=x\n")),
              HasSubstr(".txt: survey: line 2, column 12: expected a number"));
  EXPECT_THAT(complaint(file_with("machine\n")), HasSubstr("expected a line 'rank machine=0"));
  EXPECT_THAT(complaint(file_with("<nonsense/>\n")), HasSubstr("hwloc"));
}

TEST(Parts, AreHeldByWhatTheyHangOn) {
  const Part machine = part_tree(load(recorded("asymmetric"), 8).survey, 0);
  ASSERT_EQ(machine.children.size(), 2);
  const Part& numa = machine.children[0].children.at(0);
  EXPECT_EQ(numa.name, "NUMA node 0");
  EXPECT_EQ(ranks_text(numa.ranks), "0-5");
  const Part& outer = numa.children.at(0);
  EXPECT_EQ(outer.kind, PartKind::pci_switch);
  ASSERT_EQ(outer.children.size(), 2);
  EXPECT_EQ(outer.children[0].kind, PartKind::pci_switch);
  EXPECT_EQ(outer.children[0].children.size(), 2);
  EXPECT_EQ(outer.children[1].name, "npu2");
}

TEST(Parts, HoldEveryDeviceOnceWhereverItSaysItIs) {
  // Packages and nodes that are not there, and none at all.
  const auto survey = motet::Survey::from_text(
      "machine\nnuma id=3 package=9 cpus=0-1\nswitch numa=7\nnic name=a numa=3\nnic name=b "
      "package=5\n"
      "nic name=c switch=0\nrank machine=0 cpus=0 package=4 numa=3\nrank machine=0\n");
  const Part machine = part_tree(survey, 0);
  ASSERT_EQ(machine.children.size(), 3);
  EXPECT_EQ(machine.children[0].children.at(0).name, "a");
  EXPECT_EQ(ranks_text(machine.children[0].ranks), "0");
  EXPECT_EQ(machine.children[1].children.at(0).name, "c");
  EXPECT_EQ(machine.children[2].name, "b");
  EXPECT_EQ(ranks_text(machine.ranks), "1");
}

TEST(Ranks, AreToldInShort) {
  EXPECT_EQ(ranks_text({}), "");
  EXPECT_EQ(ranks_text({0, 1, 2, 8}), "0-2, 8");
  EXPECT_EQ(ranks_text({0, 2, 4, 6, 8, 10, 12, 14, 16}), "0, 2, 4, 6, ... (9 ranks)");
}

TEST(Pattern, IsToldInWords) {
  EXPECT_EQ(pattern_of({{1}, {2}, {0}}), "ring 0 > 1 > 2 > 0");
  EXPECT_EQ(pattern_of({{}, {2}, {0}}), "chain 1 > 2 > 0");
  EXPECT_EQ(pattern_of({{2, 1}, {3}, {}, {}}), "tree 0 > 2 1, 1 > 3");
  EXPECT_EQ(pattern_of({{1, 2}, {0, 2}, {0, 1}}), "every rank to every other");
  EXPECT_EQ(pattern_of({{1, 2}, {0, 3}, {3, 0}, {2, 1}}), "every rank to 2 others; rank 0 to 1 2");
  EXPECT_EQ(pattern_of({{1, 2}, {0}, {0}}), "up to 2 peers; rank 0 to 1 2");
}

TEST(Plans, OfOneRankAreNone) {
  EXPECT_TRUE(plans_for(load(recorded("laptop"), 0)).empty());
}

TEST(Text, ShowsTreeTiersPlansAndWhatIsNotKnown) {
  const View view = load(recorded("asymmetric"), 4);
  const std::string text = to_text(view, plans_for(view));
  EXPECT_THAT(text,
              HasSubstr("machine of lopsided (Example 1500): 2 packages, 3 NUMA nodes, 32 CPUs"));
  EXPECT_THAT(text,
              HasSubstr("npu2: PCI 19e5:d802, PCI 31.5 GB/s, 0000:2b:00.0; nearest NIC mlx5_0, "
                        "between packages"));
  EXPECT_THAT(text, HasSubstr("none inside nodes"));
  EXPECT_THAT(text, HasSubstr("allreduce"));
  EXPECT_THAT(text, HasSubstr("speed of mlx5_0: the recorded machine does not say"));
  EXPECT_THAT(to_text(load(recorded("container"), 0), {}), HasSubstr("may run on 2 of 64 CPUs"));
}

TEST(Json, SaysTheSame) {
  const View view = load(recorded("two_sockets"), 8);
  const auto json = nlohmann::json::parse(to_json(view, plans_for(view)));
  EXPECT_EQ(json["machines"][0]["accelerators"].size(), 8);
  EXPECT_EQ(json["machines"][0]["nics"][1]["gigabits"], 400.0);
  EXPECT_EQ(json["machines"][0]["nearest_nics"][7]["nic"], "mlx5_7");
  EXPECT_EQ(json["ranks"][5]["numa"], 2);
  EXPECT_EQ(json["tiers"][1]["name"], "package");
  EXPECT_EQ(json["plans"][0]["collective"], "allreduce");
}

TEST(Json, ReplacesBytesThatAreNoText) {
  const View view = load(file_with("machine product=\"\xff\"\nrank machine=0 host=\xc3\n"), 0);
  EXPECT_TRUE(nlohmann::json::accept(to_json(view, {})));
}

TEST(Dot, JoinsAcceleratorsAndNics) {
  const std::string dot = to_dot(load(recorded("two_sockets"), 0));
  EXPECT_THAT(dot, HasSubstr("graph machines {"));
  EXPECT_THAT(dot, HasSubstr("label=\"through one switch\""));
}

// Whether nothing sticks out of what holds it and nothing lies on its neighbour.
void expect_tidy(const Box& box) {
  for (const Box& inner : box.inner) {
    EXPECT_GE(inner.at.x, box.at.x);
    EXPECT_GE(inner.at.y, box.at.y + box.header);
    EXPECT_LE(inner.at.right(), box.at.right());
    EXPECT_LE(inner.at.bottom(), box.at.bottom());
    for (const Box& other : box.inner) {
      const bool apart = &inner == &other || inner.at.right() <= other.at.x ||
                         other.at.right() <= inner.at.x || inner.at.bottom() <= other.at.y ||
                         other.at.bottom() <= inner.at.y;
      EXPECT_TRUE(apart) << inner.part->name << " lies on " << other.part->name;
    }
    expect_tidy(inner);
  }
}

TEST(Picture, HasBoxesInsideOneAnother) {
  for (const char* name : {"two_sockets", "asymmetric", "laptop", "container"}) {
    const Part machine = part_tree(load(recorded(name), 8).survey, 0);
    expect_tidy(lay_out(machine));
  }
}

TEST(Picture, IsSvgWithEveryDevice) {
  const std::string svg = to_svg(load(recorded("two_sockets"), 8));
  EXPECT_THAT(svg, testing::StartsWith("<svg"));
  EXPECT_THAT(svg, testing::EndsWith("</svg>\n"));
  for (const char* name : {">cuda7<", ">mlx5_7<", ">eth8<", ">rank 6-7<", "400 Gb/s", "63 GB/s"}) {
    EXPECT_THAT(svg, HasSubstr(name));
  }
}

TEST(Picture, EscapesNames) {
  const View view =
      load(file_with("machine product=\"<&\xff\"\nrank machine=0 host=\"a\\\"b\"\n"), 0);
  EXPECT_THAT(to_svg(view), HasSubstr("a&quot;b (&lt;&amp;?)"));
}

}  // namespace
}  // namespace motet_topo
