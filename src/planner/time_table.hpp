// Time as a function of bytes, by measured points.
#pragma once

#include <vector>

#include "base/units.hpp"

namespace motet {

// Linear between points; beyond the last as between the last two. One alpha and one beta mispredict
// by half where caches end or protocols change (docs/planner.md).
class TimeTable {
 public:
  struct Point {
    double bytes = 0;
    Seconds time{};

    bool operator==(const Point&) const = default;
  };

  TimeTable() = default;  // nothing takes time
  // By ascending bytes, the first at 0; times never fall.
  explicit TimeTable(std::vector<Point> points);
  // fixed + bytes * per_byte.
  TimeTable(Seconds fixed, Seconds per_byte);

  Seconds at(double bytes) const;
  Seconds fixed() const { return points_.empty() ? Seconds() : points_.front().time; }
  // What the bytes cost, without the fixed part.
  Seconds of_bytes(double bytes) const { return at(bytes) - fixed(); }
  TimeTable times(double factor) const;
  const std::vector<Point>& points() const { return points_; }

  bool operator==(const TimeTable&) const = default;

 private:
  std::vector<Point> points_;
};

}  // namespace motet
