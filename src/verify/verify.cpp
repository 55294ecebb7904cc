#include "verify/verify.hpp"

#include <fmt/format.h>

#include <span>

#include "verify/system.hpp"

namespace motet {
namespace {

std::string check_stated(std::span<const Problem> problems,
                         const std::vector<Schedule>& schedules) {
  const int n = problems.front().world_size();
  if (static_cast<int>(schedules.size()) != n) {
    return fmt::format("{} schedules for {} ranks", schedules.size(), n);
  }
  for (const Problem& problem : problems) {
    if (problem.parts.size() != n)
      return fmt::format("{} parts for {} ranks", problem.parts.size(), n);
    if (problem.received_parts().size() != n)
      return fmt::format("{} received parts for {} ranks", problem.received.size(), n);
    if (problem.root < 0 || problem.root >= n)
      return fmt::format("there is no root {}", problem.root);
  }
  return {};
}

// How many elements go from one rank to another, as the one and as the other has it.
struct Length {
  std::size_t sent, expected;
};
Length length_between(std::span<const Problem> problems, Rank from, Rank to) {
  const Problem& sender = problems[static_cast<std::size_t>(from)];
  const Problem& receiver = problems[static_cast<std::size_t>(to)];
  switch (sender.collective) {
    case Collective::alltoall:
      return {sender.parts.count(to), receiver.received_parts().count(from)};
    case Collective::gather:
      if (to != sender.root) return {};
      return {sender.parts.count(from), receiver.parts.count(from)};
    case Collective::scatter:
      if (from != sender.root) return {};
      return {sender.parts.count(to), receiver.parts.count(to)};
    default:  // all parts are everybody's business
      return {sender.parts.count(to), receiver.parts.count(to)};
  }
}

// Whether the ranks' problems are one problem, as far as several know it.
std::string check_lengths(std::span<const Problem> problems) {
  const auto n = static_cast<Rank>(problems.size());
  const Problem& first = problems.front();
  for (const Problem& other : problems) {
    if (other.collective != first.collective || other.lengths != first.lengths ||
        other.root != first.root || !(other.params == first.params)) {
      return "the ranks' problems differ in more than lengths";
    }
  }
  for (Rank from = 0; from < n; ++from) {
    for (Rank to = 0; to < n; ++to) {
      const auto [sent, expected] = length_between(problems, from, to);
      if (sent == expected) continue;
      return fmt::format("lengths: rank {} sends {} elements to rank {}, which expects {}", from,
                         sent, to, expected);
    }
  }
  return {};
}

// alltoall, as one problem states it, has one part size: its parts are both rows and columns.
std::string check_single(const Problem& problem) {
  if (problem.collective != Collective::alltoall) return {};
  for (Rank rank = 1; rank < problem.world_size(); ++rank) {
    if (problem.parts.count(rank) != problem.parts.count(0)) return "alltoall with uneven parts";
  }
  return {};
}

std::string verify_stated(std::span<const Problem> problems,
                          const std::vector<Schedule>& schedules) {
  System system(problems, schedules);
  if (auto wrong = check_well_formed(system); !wrong.empty()) return wrong;
  if (auto wrong = match(system); !wrong.empty()) return wrong;
  if (auto wrong = check_races(system); !wrong.empty()) return wrong;
  std::vector<Node> order;
  if (auto wrong = check_order(system, order); !wrong.empty()) return wrong;
  if (system.problem.collective == Collective::barrier) return check_barrier(system, order);
  return check_result(system, order);
}

}  // namespace

std::string verify(const Problem& problem, const std::vector<Schedule>& schedules) {
  const std::span<const Problem> one(&problem, 1);
  if (auto wrong = check_stated(one, schedules); !wrong.empty()) return wrong;
  if (auto wrong = check_single(problem); !wrong.empty()) return wrong;
  return verify_stated(one, schedules);
}

std::string verify(const std::vector<Problem>& problems, const std::vector<Schedule>& schedules) {
  if (problems.size() != schedules.size() || problems.empty())
    return fmt::format("{} problems for {} schedules", problems.size(), schedules.size());
  if (auto wrong = check_stated(problems, schedules); !wrong.empty()) return wrong;
  if (auto wrong = check_lengths(problems); !wrong.empty()) return wrong;
  return verify_stated(problems, schedules);
}

}  // namespace motet
