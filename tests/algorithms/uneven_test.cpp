// v-forms of which each rank knows its own lengths alone, proved on matrices of many shapes, and
// broken ones, which must fail.
#include <gmock/gmock.h>

#include <numeric>
#include <random>

#include "algorithms/list.hpp"
#include "verify/verify.hpp"

namespace motet {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// lengths[from][to]
using Matrix = std::vector<std::vector<std::size_t>>;

Matrix matrix(int n, const std::function<std::size_t(int from, int to)>& length) {
  Matrix lengths(static_cast<std::size_t>(n));
  for (int from = 0; from < n; ++from) {
    for (int to = 0; to < n; ++to) {
      lengths[static_cast<std::size_t>(from)].push_back(length(from, to));
    }
  }
  return lengths;
}

std::vector<Matrix> matrices(int n) {
  std::mt19937 random(static_cast<unsigned>(n));  // the same in every run
  const auto below = [&](unsigned bound) { return random() % bound; };
  std::vector<Matrix> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(matrix(n, [&](int, int) { return below(9); }));
    all.push_back(matrix(n, [&](int, int) { return below(8) == 0 ? 1 + below(9) : 0; }));
  }
  all.push_back(matrix(n, [](int, int) { return 0; }));
  all.push_back(matrix(n, [](int, int) { return 3; }));
  all.push_back(matrix(n, [&](int from, int) { return from == n / 2 ? 7 : 0; }));
  all.push_back(matrix(n, [&](int, int to) { return to == n / 2 ? 7 : 0; }));
  all.push_back(matrix(n, [&](int from, int to) { return from == 0 && to == n - 1 ? 61 : 0; }));
  return all;
}

// Elements of 4 KiB: both short and long messages.
Problem problem_on(const Topology& topology, Collective collective) {
  return {.topology = topology,
          .collective = collective,
          .parts = Parts::uniform(0, topology.world_size()),
          .lengths = Lengths::known_to_ends,
          .element_bytes = 4096,
          .params = {}};
}

// Every rank's own. Of a gather the first column counts, of a scatter the first row.
std::vector<Problem> problems(const Problem& common, const Matrix& lengths) {
  const int n = common.world_size();
  const auto at = [&](Rank from, Rank to) {
    return lengths[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
  };
  const bool gathers = common.collective == Collective::gather;
  std::vector<Problem> all;
  for (Rank me = 0; me < n; ++me) {
    std::vector<std::size_t> parts, received;
    for (Rank rank = 0; rank < n; ++rank) {
      const bool knows = me == common.root || rank == me;
      const std::size_t rooted = gathers ? at(rank, 0) : at(0, rank);
      const bool is_alltoall = common.collective == Collective::alltoall;
      parts.push_back(is_alltoall ? at(me, rank) : (knows ? rooted : 0));
      received.push_back(at(rank, me));
    }
    Problem& mine = all.emplace_back(common);
    mine.parts = Parts::each(parts);
    if (common.collective == Collective::alltoall) mine.received = Parts::each(received);
  }
  return all;
}

std::vector<Schedule> build_all(const Algorithm& algorithm, const std::vector<Problem>& problems) {
  std::vector<Schedule> schedules;
  schedules.reserve(problems.size());
  for (std::size_t me = 0; me < problems.size(); ++me) {
    schedules.push_back(build_schedule(algorithm, problems[me], static_cast<Rank>(me)));
  }
  return schedules;
}

void prove(const Algorithm& algorithm, const std::vector<Problem>& problems) {
  const std::vector<Schedule> whole = build_all(algorithm, problems);
  ASSERT_EQ(verify(problems, whole), "");
  for (const int b : {2, 3}) {
    std::vector<Schedule> split;
    split.reserve(whole.size());
    for (const Schedule& schedule : whole) split.push_back(blocks(schedule, b));
    ASSERT_EQ(verify(problems, split), "") << b << " blocks";
  }
}

std::vector<const Algorithm*> algorithms_of(const Problem& common) {
  std::vector<const Algorithm*> found;
  for (const Algorithm* algorithm : algorithms_for(common.collective)) {
    if (algorithm->supports(common)) found.push_back(algorithm);
  }
  return found;
}

constexpr Collective known_to_ends[] = {Collective::alltoall, Collective::gather,
                                        Collective::scatter};

class Uneven : public ::testing::TestWithParam<int> {};

TEST_P(Uneven, IsProvedForEveryAlgorithm) {
  const int n = GetParam();
  const Topology topology = Topology::single_node(n);
  for (const Collective collective : known_to_ends) {
    Problem common = problem_on(topology, collective);
    const auto algorithms = algorithms_of(common);
    ASSERT_FALSE(algorithms.empty());
    for (const Algorithm* algorithm : algorithms) {
      for (const Matrix& lengths : matrices(n)) {
        for (const Mover mover : {Mover::either, Mover::receiver}) {
          for (const Rank root : has_root(collective) ? std::vector{0, n - 1} : std::vector{0}) {
            common.params.mover = mover;
            common.root = root;
            SCOPED_TRACE(algorithm->name);
            prove(*algorithm, problems(common, lengths));
          }
        }
      }
    }
  }
}

TEST_P(Uneven, IsProvedInPlaceAtTheRoot) {
  const int n = GetParam();
  const Topology topology = Topology::single_node(n);
  for (const Collective collective : {Collective::gather, Collective::scatter}) {
    Problem common = problem_on(topology, collective);
    common.in_place = true;
    common.root = n / 2;
    common.params.mover = Mover::receiver;
    for (const Matrix& lengths : matrices(n)) {
      for (const Algorithm* algorithm : algorithms_of(common)) {
        prove(*algorithm, problems(common, lengths));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, Uneven, ::testing::Range(1, 18));

TEST(UnevenAlgorithms, AreThoseThatSendStraight) {
  const auto names = [](Collective collective) {
    const Topology topology = Topology::from_text("2 nodes x 4");
    std::vector<std::string_view> found;
    for (const Algorithm* algorithm : algorithms_of(problem_on(topology, collective))) {
      found.push_back(algorithm->name);
    }
    return found;
  };
  EXPECT_THAT(names(Collective::alltoall), ::testing::ElementsAre("mesh", "pairwise"));
  EXPECT_THAT(names(Collective::gather), ::testing::ElementsAre("mesh"));
  EXPECT_THAT(names(Collective::scatter), ::testing::ElementsAre("mesh"));
}

// Three ranks in a mesh, of which one thing is wrong.
class BrokenUneven : public ::testing::Test {
 protected:
  const Topology topology_ = Topology::single_node(3);
  const Algorithm& mesh_ = *find_algorithm(Collective::alltoall, "mesh");
  const Problem common_ = problem_on(topology_, Collective::alltoall);
  const Matrix lengths_{{1, 5, 0}, {2, 1, 2}, {3, 2, 1}};
};

TEST_F(BrokenUneven, LengthsThatDifferAreNamed) {
  std::vector<Problem> all = problems(common_, lengths_);
  all[1].received = Parts::each(std::vector<std::size_t>{6, 1, 2});
  EXPECT_EQ(verify(all, build_all(mesh_, all)),
            "lengths: rank 0 sends 5 elements to rank 1, which expects 6");
  all = problems(common_, lengths_);
  all[2].received = Parts::each(std::vector<std::size_t>{1, 2, 1});
  EXPECT_EQ(verify(all, build_all(mesh_, all)),
            "lengths: rank 0 sends 0 elements to rank 2, which expects 1");
}

TEST_F(BrokenUneven, LengthsThatTheRootHasOtherwiseAreNamed) {
  const Problem common = problem_on(topology_, Collective::gather);
  std::vector<Problem> all = problems(common, lengths_);
  all[1].parts = Parts::each(std::vector<std::size_t>{0, 7, 0});
  const Algorithm& mesh = *find_algorithm(Collective::gather, "mesh");
  EXPECT_EQ(verify(all, build_all(mesh, all)),
            "lengths: rank 1 sends 7 elements to rank 0, which expects 2");
}

TEST_F(BrokenUneven, ProblemsOfDifferentCallsAreRefused) {
  std::vector<Problem> all = problems(common_, lengths_);
  all[1].root = 2;
  EXPECT_THAT(verify(all, build_all(mesh_, all)), HasSubstr("differ in more than lengths"));
  const std::vector<Problem> one(1, all[0]);
  EXPECT_THAT(verify(one, build_all(mesh_, all)), HasSubstr("1 problems for 3 schedules"));
}

TEST_F(BrokenUneven, AMessageOfNothingThatOneEndLeavesOut) {
  const std::vector<Problem> all = problems(common_, lengths_);
  std::vector<Schedule> schedules = build_all(mesh_, all);
  std::erase_if(schedules[2].steps, [](const Step& s) { return s.receives() && s.peer == 0; });
  EXPECT_THAT(verify(all, schedules), HasSubstr("nobody receives it"));
}

TEST_F(BrokenUneven, PartsThatLandInOneAnothersPlaces) {
  const std::vector<Problem> all = problems(common_, lengths_);
  std::vector<Schedule> schedules = build_all(mesh_, all);
  // Rank 1 gets 5 elements from rank 0 first; they go one too far.
  for (Step& step : schedules[1].steps) {
    if (step.receives() && step.peer == 0) step.dst.offset = 1;
  }
  EXPECT_THAT(verify(all, schedules), StartsWith("race"));
  schedules = build_all(mesh_, all);
  // Ranks 1 and 2 send rank 2 and 1 as many.
  for (Step& step : schedules[1].steps) {
    if (step.sends() && step.peer == 2) step.src.offset = 0;
  }
  EXPECT_THAT(verify(all, schedules), StartsWith("result: rank 2 output element 0 holds rank 1"));
}

TEST_F(BrokenUneven, MoversThatFollowAnotherLength) {
  std::vector<Problem> all = problems(common_, lengths_);
  for (Problem& problem : all) problem.params.mover = Mover::receiver;
  std::vector<Schedule> schedules = build_all(mesh_, all);
  for (Step& step : schedules[1].steps) {
    if (step.receives() && step.peer == 0) step.mover = Mover::either;
  }
  EXPECT_THAT(verify(all, schedules), HasSubstr("their movers differ"));
}

}  // namespace
}  // namespace motet
