#include "verify/verify.hpp"

#include <fmt/format.h>

#include "verify/system.hpp"

namespace motet {
namespace {

// alltoall, as a problem states it, has one part size: its parts are both rows and columns.
std::string check_stated(const Problem& problem, const std::vector<Schedule>& schedules) {
  const int n = problem.world_size();
  if (static_cast<int>(schedules.size()) != n) {
    return fmt::format("{} schedules for {} ranks", schedules.size(), n);
  }
  if (problem.parts.size() != n)
    return fmt::format("{} parts for {} ranks", problem.parts.size(), n);
  if (problem.root < 0 || problem.root >= n)
    return fmt::format("there is no root {}", problem.root);
  if (problem.collective != Collective::alltoall) return {};
  for (Rank rank = 1; rank < n; ++rank) {
    if (problem.parts.count(rank) != problem.parts.count(0)) return "alltoall with uneven parts";
  }
  return {};
}

}  // namespace

std::string verify(const Problem& problem, const std::vector<Schedule>& schedules) {
  if (auto wrong = check_stated(problem, schedules); !wrong.empty()) return wrong;
  System system(problem, schedules);
  if (auto wrong = check_well_formed(system); !wrong.empty()) return wrong;
  if (auto wrong = match(system); !wrong.empty()) return wrong;
  if (auto wrong = check_races(system); !wrong.empty()) return wrong;
  std::vector<Node> order;
  if (auto wrong = check_order(system, order); !wrong.empty()) return wrong;
  if (problem.collective == Collective::barrier) return check_barrier(system, order);
  return check_result(system, order);
}

}  // namespace motet
