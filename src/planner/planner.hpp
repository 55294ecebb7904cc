// Chooses algorithm and parameters for a problem. Pure and deterministic: every rank, given the
// same values, derives the same choice without talking.
#pragma once

#include <string>
#include <string_view>

#include "algorithms/list.hpp"
#include "planner/cost.hpp"

namespace motet {

struct Choice {
  const Algorithm* algorithm = nullptr;
  Params params;
  std::size_t block_bytes = 0;  // the unit in which the executor advances steps
  // Rendezvous messages that cannot be mapped are read out of the sender's ordinary memory, where
  // that is possible.
  Reading reading = Reading::never;
  Prediction predicted;
};

class Planner {
 public:
  explicit Planner(Machine machine, CostModel model = CostModel::typical())
      : machine_(machine), model_(model) {}

  // The fastest by prediction, or the one named by `hint` if that is not empty. `problem.params`
  // are ignored. Throws Error{invalid_argument} that lists the valid names if no algorithm of that
  // name supports the problem.
  Choice choose(const Problem& problem, std::string_view hint = {}) const;

  // The candidates with predicted times, best first, and why the others lost; several lines.
  std::string explain(const Problem& problem) const;

 private:
  Choice evaluate(const Algorithm& algorithm, const Problem& problem) const;

  Machine machine_;
  CostModel model_;
};

}  // namespace motet
