// Proves every algorithm on every problem of the grid, also cut into blocks: algorithm_grid SHARD
// SHARDS proves each SHARDS-th problem; with a name behind them, of algorithms of that name only.
// Prints the number of verified problems; the name of each that fails, and why. Exit status 1 if
// any.
#include <fmt/format.h>

#include <cstdlib>
#include <map>

#include "problems.hpp"
#include "verify/verify.hpp"

namespace motet {
namespace {

std::vector<Schedule> cut(const std::vector<Schedule>& schedules, int b) {
  std::vector<Schedule> all;
  all.reserve(schedules.size());
  for (const Schedule& schedule : schedules) all.push_back(blocks(schedule, b));
  return all;
}

class Grid {
 public:
  void prove(const Case& one) {
    const std::vector<Schedule> whole = build_all(one.algorithm, one.problem);
    note(one, 1, verify(one.problem, whole));
    for (const int b : {2, 3}) note(one, b, verify(one.problem, cut(whole, b)));
  }
  int report() const {
    for (const auto& [algorithm, count] : by_algorithm_) fmt::print("{:>8} {}\n", count, algorithm);
    fmt::print("{} problems verified, {} failed\n", verified_, failed_);
    return failed_ == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  }

 private:
  void note(const Case& one, int b, const std::string& wrong) {
    ++verified_;
    ++by_algorithm_[fmt::format("{} {}", name(one.algorithm.collective), one.algorithm.name)];
    if (wrong.empty()) return;
    constexpr int shown = 20;
    if (++failed_ <= shown) fmt::print("{}_blocks{}: {}\n", one.name(), b, wrong);
  }

  std::map<std::string, int> by_algorithm_;
  int verified_ = 0;
  int failed_ = 0;
};

int run(int shard, int shards, std::string_view only) {
  Grid grid;
  int index = 0;
  for_each_case([&](const Case& one) {
    const bool wanted = only.empty() || one.algorithm.name == only;
    if (index++ % shards == shard && wanted) grid.prove(one);
  });
  return grid.report();
}

}  // namespace
}  // namespace motet

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    fmt::print(stderr, "usage: {} SHARD SHARDS [ALGORITHM]\n", argv[0]);
    return EXIT_FAILURE;
  }
  return motet::run(std::atoi(argv[1]), std::atoi(argv[2]), argc > 3 ? argv[3] : "");
}
