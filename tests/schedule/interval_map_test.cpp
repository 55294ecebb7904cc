#include "schedule/interval_map.hpp"

#include <gmock/gmock.h>

#include <random>
#include <set>

namespace motet {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

using Steps = std::vector<std::uint32_t>;

Slice run(std::size_t offset, std::size_t count) {
  return {Buffer::output, offset, count};
}

// Of a copy, so that asking leaves no trace.
Steps before_read(IntervalMap map, Slice slice) {
  Steps steps;
  map.read(slice, 99, steps);
  return steps;
}

Steps before_write(IntervalMap map, Slice slice) {
  Steps steps;
  map.write(slice, 99, steps);
  return steps;
}

class Touched : public IntervalMap {
 public:
  void read(Slice slice, std::uint32_t step) { IntervalMap::read(slice, step, ignored_); }
  void write(Slice slice, std::uint32_t step) { IntervalMap::write(slice, step, ignored_); }

 private:
  Steps ignored_;
};

TEST(IntervalMap, ReadersFollowTheWritersOfTheirElementsOnly) {
  Touched map;
  map.write(run(0, 4), 0);
  map.write(run(4, 4), 1);
  EXPECT_THAT(before_read(map, run(2, 4)), ElementsAre(0, 1));
  EXPECT_THAT(before_read(map, run(0, 4)), ElementsAre(0));
  EXPECT_THAT(before_read(map, run(8, 4)), IsEmpty());
}

TEST(IntervalMap, WritersFollowReadersAndTheWriteBehindThemIsImplied) {
  Touched map;
  map.write(run(0, 8), 0);
  map.read(run(0, 4), 1);
  map.read(run(2, 2), 2);
  EXPECT_THAT(before_write(map, run(0, 2)), ElementsAre(1));
  EXPECT_THAT(before_write(map, run(2, 2)), ElementsAre(1, 2));
  EXPECT_THAT(before_write(map, run(4, 4)), ElementsAre(0));
}

TEST(IntervalMap, ReadsOfWhatNobodyWroteCountToo) {
  Touched map;
  map.read(run(2, 2), 0);
  map.read(run(0, 8), 1);
  EXPECT_THAT(before_write(map, run(0, 2)), ElementsAre(1));
  EXPECT_THAT(before_write(map, run(3, 1)), UnorderedElementsAre(0, 1));
}

// The plain definition: element by element.
struct Elements {
  struct Element {
    std::set<std::uint32_t> writer, readers;
  };
  std::vector<Element> elements = std::vector<Element>(24);

  std::set<std::uint32_t> before(Slice slice, bool write) const {
    std::set<std::uint32_t> steps;
    for (std::size_t e = slice.offset; e < slice.end(); ++e) {
      const Element& element = elements[e];
      const auto& from = write && !element.readers.empty() ? element.readers : element.writer;
      steps.insert(from.begin(), from.end());
    }
    return steps;
  }
  void touch(Slice slice, std::uint32_t step, bool write) {
    for (std::size_t e = slice.offset; e < slice.end(); ++e) {
      if (write) elements[e] = {{step}, {}};
      if (!write) elements[e].readers.insert(step);
    }
  }
};

TEST(IntervalMap, EqualsTheElementByElementDefinition) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    IntervalMap map;
    Elements elements;
    for (std::uint32_t step = 0; step < 40; ++step) {
      const std::size_t offset = random() % 23;
      const Slice slice = run(offset, 1 + random() % (24 - offset));
      const bool write = random() % 2 == 0;
      Steps steps;
      if (write) map.write(slice, step, steps);
      if (!write) map.read(slice, step, steps);
      ASSERT_EQ(std::set(steps.begin(), steps.end()), elements.before(slice, write));
      elements.touch(slice, step, write);
    }
  }
}

}  // namespace
}  // namespace motet
