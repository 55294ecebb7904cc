#include "planner/time_table.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"

namespace motet {

TimeTable::TimeTable(std::vector<Point> points) : points_(std::move(points)) {
  MOTET_ASSERT(points_.size() >= 2 && points_.front().bytes == 0, "a table begins at 0 bytes");
  for (std::size_t i = 1; i < points_.size(); ++i) {
    MOTET_ASSERT(points_[i - 1].bytes < points_[i].bytes, "a table is ordered by bytes");
    MOTET_ASSERT(points_[i - 1].time <= points_[i].time, "more bytes take no less time");
  }
}

TimeTable::TimeTable(Seconds fixed, Seconds per_byte)
    : points_{{0, fixed}, {1, fixed + per_byte}} {}

Seconds TimeTable::at(double bytes) const {
  if (points_.empty()) return {};
  const auto above = std::find_if(points_.begin() + 1, points_.end() - 1,
                                  [&](const Point& point) { return point.bytes >= bytes; });
  const Point& before = *(above - 1);
  const double share = (bytes - before.bytes) / (above->bytes - before.bytes);
  return before.time + share * (above->time - before.time);
}

TimeTable TimeTable::times(double factor) const {
  TimeTable scaled = *this;
  for (Point& point : scaled.points_) point.time *= factor;
  return scaled;
}

}  // namespace motet
