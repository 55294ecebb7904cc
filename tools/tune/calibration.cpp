#include "calibration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>

#include "algorithms/list.hpp"
#include "base/error.hpp"
#include "device/host/reduce.hpp"
#include "planner/fit.hpp"
#include "planner/planner.hpp"

namespace motet_tune {
namespace {

using motet::Algorithm;
using motet::Collective;

Collective collective_named(const std::string& word) {
  for (int i = 0; i < motet::collective_count; ++i) {
    if (motet::name(static_cast<Collective>(i)) == word) return static_cast<Collective>(i);
  }
  throw motet::Error(motet::ErrorCode::invalid_argument, "no collective: " + word);
}

// Ranks that do not share memory are nodes of their own, as where the library runs.
motet::Topology topology_of(const Row& row) {
  if (row.transport == "shm") return motet::Topology::single_node(row.ranks);
  std::vector<int> nodes(static_cast<std::size_t>(row.ranks));
  std::iota(nodes.begin(), nodes.end(), 0);
  return motet::Topology::from_nodes(nodes);
}

[[noreturn]] void refuse(const Row& row, const char* why) {
  throw motet::Error(
      motet::ErrorCode::invalid_argument,
      fmt::format("row {} {} on {} ranks: {}", row.collective, row.algorithm, row.ranks, why));
}

const Row& checked(const Row& row) {
  if (row.ranks < 2 || row.ranks > 512) refuse(row, "2 to 512 ranks are expected");
  if (!(row.time_us > 0 && row.time_us < 1e12)) refuse(row, "a time above 0 is expected");
  return row;
}

const Algorithm& algorithm_of(const Row& row, Collective collective) {
  const Algorithm* algorithm = motet::find_algorithm(collective, row.algorithm);
  if (algorithm == nullptr) refuse(row, "there is no such algorithm");
  return *algorithm;
}

// A row with what its prediction needs.
class Case {
 public:
  Case(const Row& row, int cores)
      : row_(checked(row)),
        topology_(topology_of(row)),
        collective_(collective_named(row.collective)),
        algorithm_(algorithm_of(row, collective_)),
        machine_{.cores_per_node = cores,
                 .nodes_sharing = topology_.node_count(),
                 .holds_all_nodes = true} {
    if (!algorithm_.supports(problem())) refuse(row, "the algorithm does not support it");
    // As it was run: with the parameters that the planner takes without a tuning.
    const motet::Choice choice = motet::Planner(machine_).consider(algorithm_, problem());
    motet::Problem asked = problem();
    asked.params = choice.params;
    asked.in_place = collective_ == Collective::broadcast;
    tally_.emplace_back(algorithm_, asked);
    block_bytes_ = choice.block_bytes;
  }
  Case(const Case&) = delete;
  Case& operator=(const Case&) = delete;

  motet::Observation observation() const {
    return {&tally_.front(), block_bytes_, machine_, motet::microseconds(row_.time_us)};
  }
  motet::Problem problem() const {
    const bool divided = collective_ == Collective::allreduce ||
                         collective_ == Collective::reduce || collective_ == Collective::broadcast;
    // A barrier has no elements.
    const std::size_t count = collective_ == Collective::barrier ? 0 : row_.count;
    return {.topology = topology_,
            .collective = collective_,
            .parts = divided ? motet::Parts::even(count, row_.ranks)
                             : motet::Parts::uniform(count, row_.ranks),
            .params = {}};
  }
  const Row& row() const { return row_; }
  const Algorithm& algorithm() const { return algorithm_; }
  const motet::Machine& machine() const { return machine_; }

 private:
  const Row& row_;
  motet::Topology topology_;
  Collective collective_;
  const Algorithm& algorithm_;
  motet::Machine machine_;
  std::vector<motet::Tally> tally_;
  std::size_t block_bytes_ = 0;
};

using Cases = std::deque<Case>;  // which do not move: workloads refer to their topologies

motet::Measured measured(const Case& one) {
  const motet::Problem problem = one.problem();
  const auto bytes = static_cast<double>(motet::total_bytes(problem));
  return {.where = {.collective = problem.collective,
                    .nodes = problem.topology.node_count(),
                    .local = one.row().ranks / problem.topology.node_count(),
                    .least_bytes = bytes,
                    .most_bytes = bytes},
          .algorithm = one.row().algorithm,
          .time = motet::microseconds(one.row().time_us)};
}

// Those that differ in the algorithm alone.
std::vector<std::vector<const Case*>> cells(const Cases& cases) {
  std::map<std::tuple<std::string, std::string, int, std::size_t>, std::vector<const Case*>> by;
  for (const Case& one : cases) {
    const Row& row = one.row();
    by[{row.transport, row.collective, row.ranks, row.count}].push_back(&one);
  }
  std::vector<std::vector<const Case*>> found;
  found.reserve(by.size());
  for (auto& [key, members] : by) found.push_back(std::move(members));
  return found;
}

bool is_within_tenth(const std::vector<const Case*>& cell, const motet::Tuning& tuning) {
  const motet::Planner planner(cell.front()->machine(), tuning);
  const Algorithm* chosen = planner.choose(cell.front()->problem()).algorithm;
  double best = cell.front()->row().time_us;
  double mine = std::numeric_limits<double>::infinity();
  for (const Case* one : cell) {
    best = std::min(best, one->row().time_us);
    if (&one->algorithm() == chosen) mine = one->row().time_us;
  }
  return mine <= 1.1 * best;
}

}  // namespace

Calibration calibrate(const std::vector<Row>& rows, int cores) {
  Cases cases;
  for (const Row& row : rows) cases.emplace_back(row, cores);
  std::vector<motet::Observation> observations;
  const auto all = cells(cases);
  for (const auto& cell : all) {
    for (const Case* one : cell) {
      observations.push_back(one->observation());
      observations.back().cell = static_cast<int>(&cell - all.data());
    }
  }
  Calibration result;
  const motet::CostModel start = motet::CostModel::typical();
  result.error_before = error_of(start, observations);
  result.tuning.model = fit(start, observations);
  result.error_after = error_of(result.tuning.model, observations);
  for (const auto& cell : all) {
    ++result.cells;
    result.within += static_cast<int>(is_within_tenth(cell, result.tuning));
  }
  for (const auto& cell : all) {
    for (const Case* one : cell) result.tuning.measured.push_back(measured(*one));
  }
  return result;
}

std::array<double, motet::data_type_count> measure_type_factors() {
  constexpr std::size_t bytes = 64 * 1024;
  constexpr int turns = 30;
  using Clock = std::chrono::steady_clock;
  std::vector<std::byte> a(bytes), b(bytes), out(bytes);
  const auto fastest = [&](motet::DataType type) {
    const motet::ReduceKernel kernel = motet::reduce_kernel(motet::ReduceOp::sum, type);
    Clock::duration best = Clock::duration::max();
    for (int turn = 0; turn < turns; ++turn) {
      const auto start = Clock::now();
      kernel(out.data(), a.data(), b.data(), bytes / motet::element_bytes(type));
      best = std::min(best, Clock::now() - start);
    }
    return std::chrono::duration<double>(best).count();
  };
  const double reference = fastest(motet::DataType::float32);
  std::array<double, motet::data_type_count> factors{};
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const double factor = fastest(static_cast<motet::DataType>(i)) / reference;
    factors[i] = std::round(factor * 100) / 100;
  }
  factors[static_cast<std::size_t>(motet::DataType::float32)] = 1;
  return factors;
}

}  // namespace motet_tune
