#include "step.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

namespace motet_perf {
namespace {

// Two calls alike, of one rank, which gets what it puts in.
class StepOfTwo : public testing::Test {
 protected:
  static constexpr std::size_t count = 100, bytes = count * sizeof(float);

  void SetUp() override {
    const Shape shape{collective_named("allreduce"), count, 1, 0};
    for (std::size_t i = 0; i < memory_.size(); ++i) {
      const Buffers buffers({.shape = shape,
                             .element_bytes = sizeof(float),
                             .rank = 0,
                             .first = memory_[i].data(),
                             .second = memory_[i].data() + bytes,
                             .placing = Buffers::Placing::out_of_place,
                             .stream_start = i});
      step_.add(call_of(shape, type_, op_, 0), buffers, pattern_);
    }
    step_.fill();
  }

  // What `from` puts in is what `to` gets.
  void move(std::size_t from, std::size_t to) {
    std::memcpy(step_.calls()[to].out, step_.calls()[from].in, bytes);
  }

  const TypeRow type_ = type_named("float32");
  const OpRow op_ = op_named("sum");
  const Pattern pattern_{type_, op_, 1, true};
  std::array<std::array<std::byte, 2 * bytes>, 2> memory_{};
  Step step_;
};

TEST_F(StepOfTwo, IsRightWhenEachCallHasItsOwn) {
  EXPECT_EQ(step_.count_wrong(), 2 * count);  // before them
  move(0, 0);
  move(1, 1);
  EXPECT_EQ(step_.count_wrong(), 0u);
}

TEST_F(StepOfTwo, IsWrongWhereTheyGetWhatIsTheOthers) {
  move(0, 1);
  move(1, 0);
  EXPECT_GT(step_.count_wrong(), count);
}

}  // namespace
}  // namespace motet_perf
