// Chooses algorithm and parameters for a problem. Pure and deterministic: every rank, given the
// same values, derives the same choice without talking.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "algorithms/list.hpp"
#include "planner/cost.hpp"
#include "planner/tuning.hpp"

namespace motet {

struct Choice {
  const Algorithm* algorithm = nullptr;
  Params params;
  std::size_t block_bytes = 0;  // the unit in which the executor advances steps
  // Rendezvous messages that cannot be mapped are read out of the sender's ordinary memory, where
  // that is possible.
  Reading reading = Reading::never;
  Prediction predicted;
  std::optional<Seconds> measured;  // as the tuning has it
};

// What can be said of a call before it is made.
struct Expectation {
  Choice choice;
  // That no algorithm is faster than: by the links where problem.fabric is known, else by the
  // model's fastest messages. 0 where nothing has to be moved.
  Seconds bound{};

  double share_of_bound() const { return bound / choice.predicted.total(); }
};

// What the caller knows beside the problem.
struct Hint {
  std::string_view algorithm{};  // where not empty: no other
  DataType type = DataType::float32;
};

// Whether a rank with that much to send had better let its peers read it. Ranks need not agree.
Reading reading_for(const Problem& problem);

// Packing trees takes seconds where there are many ranks: such algorithms are considered only if
// they are named.
bool is_quickly_built(const Algorithm& algorithm, const Problem& problem);

class Planner {
 public:
  explicit Planner(Machine machine, Tuning tuning = {})
      : machine_(machine), tuning_(std::move(tuning)) {}

  // What the hint names, else what the tuning prefers, else the fastest by prediction: on
  // problem.fabric where it is known, else on the machine. `problem.params` are ignored. Throws
  // Error{invalid_argument} that lists the valid names if no algorithm of that name supports the
  // problem.
  Choice choose(const Problem& problem, Hint hint = {}) const;

  // That algorithm with the parameters that suit it best. Requires algorithm.supports(problem).
  Choice consider(const Algorithm& algorithm, const Problem& problem,
                  DataType type = DataType::float32) const;

  // As choose, with the bound beside it.
  Expectation expect(const Problem& problem, Hint hint = {}) const;

  // The candidates with predicted and, where the tuning has them, measured times, best first, and
  // why the others lost; several lines.
  std::string explain(const Problem& problem, DataType type = DataType::float32) const;

  const Machine& machine() const { return machine_; }
  const Tuning& tuning() const { return tuning_; }

 private:
  // A choice that is to be priced.
  Choice blank(const Algorithm& algorithm, const Problem& problem, const Params& params) const;
  const Preference* preference(const Problem& problem) const;
  Choice consider_with(const Algorithm& algorithm, const Problem& problem, const Params& params,
                       DataType type) const;

  Machine machine_;
  Tuning tuning_;
};

}  // namespace motet
