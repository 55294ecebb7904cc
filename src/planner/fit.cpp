#include "planner/fit.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace motet {
namespace {

// Where the tables bend: inside, at and beyond the sizes of caches and rings.
constexpr double knots[] = {1024, 8 * 1024., 64 * 1024., 512 * 1024., 4 * 1048576., 32 * 1048576.};

// The model as free numbers: logarithms of what is positive, of tables the rises between knots.
class Knobs {
 public:
  explicit Knobs(const CostModel& model) : model_(model) {
    for (const LinkCost* link : {&model.shared_memory, &model.network}) {
      put(link->latency);
      put(link->message.fixed());
      put(link->crowded);
      put_rises(link->message);
    }
    put_rises(model.copy);
    put_rises(model.reduce);
    put(model.context_switch);
  }

  std::vector<double>& values() { return values_; }
  const std::vector<double>& values() const { return values_; }

  CostModel model() const {
    CostModel model = model_;
    auto next = values_.begin();
    for (LinkCost* link : {&model.shared_memory, &model.network}) {
      link->latency = take(next);
      const Seconds fixed = take(next);
      link->crowded = take(next);
      link->message = take_table(next, fixed);
    }
    model.copy = take_table(next, {});
    model.reduce = take_table(next, {});
    model.context_switch = take(next);
    return model;
  }

 private:
  using Next = std::vector<double>::const_iterator;

  void put(Seconds time) { values_.push_back(std::log(std::max(time.count(), 1e-12))); }
  void put_rises(const TimeTable& table) {
    double before = 0;
    for (const double bytes : knots) {
      put(table.at(bytes) - table.at(before));
      before = bytes;
    }
  }
  // Four digits say more than was measured.
  static Seconds rounded(double seconds) {
    const double unit = std::pow(10, std::floor(std::log10(seconds)) - 3);
    return Seconds(std::round(seconds / unit) * unit);
  }
  static Seconds take(Next& next) { return rounded(std::exp(*next++)); }
  static TimeTable take_table(Next& next, Seconds fixed) {
    std::vector<TimeTable::Point> points{{0, fixed}};
    double time = fixed.count();
    for (const double bytes : knots) {
      time += std::exp(*next++);
      points.push_back({bytes, std::max(points.back().time, rounded(time))});
    }
    return TimeTable(std::move(points));
  }

  CostModel model_;
  std::vector<double> values_;
};

double off(const CostModel& model, const Observation& seen) {
  const Seconds predicted = seen.tally->price(seen.block_bytes, seen.machine, model).total();
  return std::log(predicted / seen.measured);
}

// Squares near the truth, straight far from it: some calls no model explains.
double loss(double off) {
  constexpr double bend = 0.3;
  const double size = std::abs(off);
  return size < bend ? size * size : bend * (2 * size - bend);
}

class Descent {
 public:
  Descent(const CostModel& start, std::span<const Observation> observations)
      : observations_(observations), start_(start), knobs_(start) {
    constexpr auto none = static_cast<std::size_t>(-1);
    for (std::size_t i = 0; i < observations_.size(); ++i) {
      fastest_.resize(std::max(fastest_.size(), cell(i) + 1), none);
      std::size_t& fastest = fastest_[cell(i)];
      if (fastest == none || observations_[i].measured < observations_[fastest].measured) {
        fastest = i;
      }
    }
    offs_.resize(observations.size());
    value_ = judge();
  }

  CostModel run() {
    constexpr double smallest = 0.02;
    constexpr int most_sweeps = 200;
    double step = 0.7;
    for (int sweep = 0; sweep < most_sweeps && step > smallest; ++sweep) {
      if (!sweep_once(step)) step /= 2;
    }
    return knobs_.model();
  }

 private:
  // A call that seems nearer to the fastest of its cell than it is may be chosen; one that seems
  // farther does less harm. What no observation speaks of stays where it was.
  double judge() {
    constexpr double pull = 1e-3;
    const CostModel model = knobs_.model();
    constexpr double of_level = 0.1, too_slow = 0.25;
    double sum = 0;
    for (std::size_t i = 0; i < offs_.size(); ++i) offs_[i] = off(model, observations_[i]);
    for (std::size_t i = 0; i < offs_.size(); ++i) {
      const double apart = offs_[i] - offs_[fastest_[cell(i)]];
      sum += loss(apart) * (apart < 0 ? 1 : too_slow) + of_level * loss(offs_[i]);
    }
    for (std::size_t i = 0; i < knobs_.values().size(); ++i) {
      const double moved = knobs_.values()[i] - start_.values()[i];
      sum += pull * moved * moved;
    }
    return sum;
  }
  bool sweep_once(double step) {
    bool better = false;
    for (double& knob : knobs_.values()) {
      const double before = knob;
      for (const double sign : {1.0, -1.0}) {
        knob = before + sign * step;
        const double value = judge();
        if (value < value_) {
          value_ = value;
          better = true;
          break;
        }
        knob = before;
      }
    }
    return better;
  }

  std::size_t cell(std::size_t i) const { return static_cast<std::size_t>(observations_[i].cell); }

  std::span<const Observation> observations_;
  std::vector<double> offs_;          // by observation
  std::vector<std::size_t> fastest_;  // observation, by cell
  Knobs start_, knobs_;
  double value_ = 0;
};

}  // namespace

CostModel fit(const CostModel& start, std::span<const Observation> observations) {
  return Descent(start, observations).run();
}

double error_of(const CostModel& model, std::span<const Observation> observations) {
  if (observations.empty()) return 0;
  std::vector<double> errors;
  for (const Observation& seen : observations) errors.push_back(std::abs(off(model, seen)));
  const auto middle = errors.begin() + static_cast<std::ptrdiff_t>(errors.size() / 2);
  std::nth_element(errors.begin(), middle, errors.end());
  return *middle;
}

}  // namespace motet
