// The small parts: keys, waiting, the watermark, what a link sets aside, an engine that fails.
#include <gtest/gtest.h>

#include <set>

#include "execute/context.hpp"
#include "execute/engine.hpp"
#include "execute/key.hpp"
#include "execute/waiting.hpp"
#include "fakes.hpp"

namespace motet::test {
namespace {

Key key_of(Role role, std::uint32_t communicator, std::uint64_t sequence, bool direct,
           Channel channel, std::uint32_t block) {
  return with_role(block_key(operation_key(communicator, sequence, direct), channel, block), role);
}

TEST(Key, KeepsWhatWasPutIn) {
  for (const bool direct : {false, true}) {
    const Key key =
        key_of(Role::answer, max_communicator_id, sequence_mask, direct, 15, block_mask);
    EXPECT_EQ(role_of(key), Role::answer);
    EXPECT_EQ(communicator_of(key), max_communicator_id);
    EXPECT_EQ(sequence_of(key), sequence_mask);
    EXPECT_EQ(is_point_to_point(key), direct);
  }
}

TEST(Key, PartsDoNotRunIntoEachOther) {
  // Everything at its largest but one part, which is zero: that one reads as zero, the others do
  // not.
  const Key no_communicator = key_of(Role::consumed, 0, sequence_mask, true, 15, block_mask);
  EXPECT_EQ(communicator_of(no_communicator), 0U);
  EXPECT_EQ(sequence_of(no_communicator), sequence_mask);
  const Key no_sequence = key_of(Role::consumed, max_communicator_id, 0, true, 15, block_mask);
  EXPECT_EQ(sequence_of(no_sequence), 0U);
  EXPECT_EQ(communicator_of(no_sequence), max_communicator_id);
  const Key no_role = key_of(Role::data, max_communicator_id, sequence_mask, true, 15, block_mask);
  EXPECT_EQ(role_of(no_role), Role::data);
  EXPECT_TRUE(is_point_to_point(no_role));
}

TEST(Key, DiffersWhenAnythingDiffers) {
  std::set<Key> keys;
  std::size_t made = 0;
  for (const Role role : {Role::data, Role::location, Role::answer, Role::consumed}) {
    for (const std::uint32_t communicator : {0U, 1U, max_communicator_id}) {
      for (const std::uint64_t sequence : {0U, 1U, sequence_mask}) {
        for (const bool direct : {false, true}) {
          for (const Channel channel : {Channel{0}, Channel{1}, Channel{15}}) {
            for (const std::uint32_t block : {0U, 1U, block_mask}) {
              keys.insert(key_of(role, communicator, sequence, direct, channel, block));
              ++made;
            }
          }
        }
      }
    }
  }
  EXPECT_EQ(keys.size(), made);
}

TEST(Key, ForwardMaskMakesDataAndLocationAlike) {
  const Key data = key_of(Role::data, 3, 5, false, 1, 7);
  const Key location = key_of(Role::location, 3, 5, false, 1, 7);
  const Key answer = key_of(Role::answer, 3, 5, false, 1, 7);
  EXPECT_EQ((data ^ location) & forward_mask, 0U);
  EXPECT_NE((data ^ answer) & forward_mask, 0U);
}

TEST(Key, OperationMaskCoversAllBlocksOfOneOperationOnly) {
  const Key operation = operation_key(3, 5, false);
  EXPECT_EQ((key_of(Role::location, 3, 5, false, 15, block_mask) ^ operation) & operation_mask, 0U);
  EXPECT_NE((key_of(Role::data, 3, 6, false, 0, 0) ^ operation) & operation_mask, 0U);
  EXPECT_NE((key_of(Role::data, 4, 5, false, 0, 0) ^ operation) & operation_mask, 0U);
  EXPECT_NE((key_of(Role::data, 3, 5, true, 0, 0) ^ operation) & operation_mask, 0U);
}

TEST(Key, WrapsLongSequencesAndMessages) {
  const std::uint64_t far = std::uint64_t{sequence_mask} + 1 + 9;
  EXPECT_EQ(operation_key(3, far, false), operation_key(3, 9, false));
  EXPECT_EQ(block_key(0, 2, block_mask + 5), block_key(0, 2, 4));
}

TEST(SequenceAhead, CountsAcrossTheWrap) {
  const std::uint64_t last =
      (std::uint64_t{1} << sequence_bits) * 5 - 1;  // its low bits are all ones
  EXPECT_EQ(sequence_ahead(sequence_mask, last), 0);
  EXPECT_EQ(sequence_ahead(0, last), 1);
  EXPECT_EQ(sequence_ahead(15, last), 16);
  EXPECT_EQ(sequence_ahead(sequence_mask - 3, last), -3);
  EXPECT_EQ(sequence_ahead(sequence_mask, last + 1), -1);
  EXPECT_EQ(sequence_ahead(7, 7), 0);
}

TEST(Stream, IsOnePerOperationChannelAndDirection) {
  std::set<std::uint32_t> streams;
  std::size_t made = 0;
  for (const std::uint32_t communicator : {1U, 2U}) {
    for (std::uint64_t sequence = 1; sequence <= 2 * max_ahead; ++sequence) {
      for (const bool direct : {false, true}) {
        for (int channel = 0; channel < max_channels; ++channel) {
          for (const Role role : {Role::data, Role::answer, Role::consumed}) {
            if (role == Role::consumed && channel > 0) continue;
            streams.insert(stream_of(
                key_of(role, communicator, sequence, direct, static_cast<Channel>(channel), 0)));
            made += role == Role::consumed ? 0 : 1;
          }
        }
      }
    }
  }
  EXPECT_EQ(streams.size(), made);
}

TEST(Stream, IsTheSameForAllBlocksWhetherDataOrLocation) {
  const std::uint32_t stream = stream_of(key_of(Role::data, 9, 100, false, 3, 0));
  EXPECT_EQ(stream, stream_of(key_of(Role::data, 9, 100, false, 3, block_mask)));
  EXPECT_EQ(stream, stream_of(key_of(Role::location, 9, 100, false, 3, 8)));
}

TEST(Waiting, LooksThenYieldsThenSleeps) {
  for (const bool crowded : {false, true}) {
    Waiting waiting(crowded);
    auto before = Waiting::Next::look;
    int yields = 0;
    for (int i = 0; i < 1000; ++i) {
      const Waiting::Next next = waiting.next(Waiting::Moved::nothing);
      EXPECT_GE(next, before);
      before = next;
      yields += next == Waiting::Next::yield ? 1 : 0;
    }
    EXPECT_EQ(before, Waiting::Next::sleep);
    EXPECT_GE(yields, 20);
  }
}

TEST(Waiting, StartsAgainWhenSomethingMoved) {
  Waiting waiting(true);
  while (waiting.next(Waiting::Moved::nothing) != Waiting::Next::sleep) {
  }
  EXPECT_EQ(waiting.next(Waiting::Moved::here), Waiting::Next::look);
  EXPECT_EQ(waiting.next(Waiting::Moved::nothing), Waiting::Next::look);
}

TEST(Waiting, SoonGivesTheCoreAwayWhenCrowded) {
  Waiting waiting(true);
  int looks = 0;
  while (waiting.next(Waiting::Moved::nothing) != Waiting::Next::yield) ++looks;
  EXPECT_LE(looks, 2);
}

TEST(Waiting, LooksAtEverythingAsLongAsThatMoves) {
  Waiting waiting(false);
  while (waiting.next(Waiting::Moved::nothing) == Waiting::Next::look) {
  }
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(waiting.next(Waiting::Moved::elsewhere), Waiting::Next::look_widely);
  }
}

// What moves elsewhere is the work of peers, who may need this core for the rest of it.
TEST(Waiting, LetsOthersRunAsLongAsThatMovesWhenCrowded) {
  Waiting waiting(true);
  while (waiting.next(Waiting::Moved::nothing) != Waiting::Next::yield) {
  }
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(waiting.next(Waiting::Moved::elsewhere), Waiting::Next::yield);
  }
}

// Otherwise what others do would keep it from driving what it waits for in turn.
TEST(Waiting, LooksWidelySoonThoughOthersMove) {
  Waiting waiting(false);
  int looks = 0;
  while (waiting.next(Waiting::Moved::elsewhere) == Waiting::Next::look) ++looks;
  EXPECT_LE(looks, 1000);
}

TEST(Cores, AreAtLeastOne) {
  EXPECT_FALSE(allowed_cpus().empty());
  EXPECT_GE(quota_cores(), 1);
}

TEST(Watermark, RisesOnlyOverWhatIsComplete) {
  Watermark mark;
  mark.complete(2);
  mark.complete(3);
  EXPECT_EQ(mark.value(), 0U);
  mark.complete(1);
  EXPECT_EQ(mark.value(), 3U);
  mark.complete(5);
  EXPECT_EQ(mark.value(), 3U);
  mark.complete(4);
  EXPECT_EQ(mark.value(), 5U);
}

TEST(Watermark, TakesAWindowOfOperationsInAnyOrder) {
  Watermark mark;
  for (std::uint64_t base = 0; base < 10'000; base += max_ahead) {
    for (std::uint64_t i = max_ahead; i-- > 0;) {
      EXPECT_EQ(mark.value(), base);
      mark.complete(base + i + 1);
    }
    EXPECT_EQ(mark.value(), base + max_ahead);
  }
}

class SettingAside : public testing::Test {
 protected:
  SettingAside() {
    auto endpoint = std::make_unique<FakeEndpoint>();
    endpoint_ = endpoint.get();
    link_ = std::make_unique<PeerLink>("peer", "fake", transport_, std::move(endpoint));
  }
  void arrive_aside(Key key) {
    endpoint_->arrive(key);
    link_->set_front_aside();
  }

  FakeTransport transport_;
  FakeEndpoint* endpoint_ = nullptr;
  std::unique_ptr<PeerLink> link_;
};

TEST_F(SettingAside, FindsTheFrontAndWhatWasSetAsideInAnyOrder) {
  for (std::uint32_t block = 0; block < 3; ++block) {
    arrive_aside(key_of(Role::data, 1, 1, false, 0, block));
  }
  endpoint_->arrive(key_of(Role::data, 1, 1, false, 0, 3));
  for (const std::uint32_t block : {1U, 3U, 2U, 0U}) {
    const auto found = link_->find(key_of(Role::data, 1, 1, false, 0, block), exact_mask);
    ASSERT_NE(found.arrival, nullptr) << block;
    link_->release(found);
    EXPECT_EQ(link_->find(key_of(Role::data, 1, 1, false, 0, block), exact_mask).arrival, nullptr);
  }
  EXPECT_EQ(link_->aside_count(), 0U);
}

TEST_F(SettingAside, DropsOneOperationOrOneCommunicator) {
  for (const std::uint32_t communicator : {1U, 2U}) {
    for (const std::uint64_t sequence : {1U, 2U}) {
      arrive_aside(key_of(Role::data, communicator, sequence, false, 0, 0));
      arrive_aside(key_of(Role::location, communicator, sequence, false, 1, 5));
    }
  }
  EXPECT_EQ(link_->drop_aside(operation_key(1, 2, false), operation_mask), 2U);
  EXPECT_EQ(link_->aside_count(), 6U);
  EXPECT_EQ(link_->drop_aside(operation_key(2, 0, false), communicator_mask), 4U);
  EXPECT_EQ(link_->aside_count(), 2U);
}

// What other ranks would hear.
class Hub final : public Observer {
 public:
  void report_wait(std::uint64_t /*sequence*/) override {}
  std::string where_is_everybody(std::uint64_t /*sequence*/) override { return {}; }
  void report_failure(const Failure& failure) override { failures.push_back(failure.text); }

  std::vector<std::string> failures;
};

TEST(Engine, TellsAllRanksOnceWhenEverythingFailsHere) {
  Engine engine(Identity::random(), {});
  Hub hub;
  Context context(engine, {.id = 1, .rank = 0, .links = {nullptr}, .observer = &hub});
  engine.fail_all({ErrorCode::system, "out of memory"});
  engine.fail_all({ErrorCode::system, "once more"});
  EXPECT_TRUE(context.failed());
  EXPECT_EQ(hub.failures, std::vector<std::string>{"out of memory"});
  EXPECT_FALSE(context.is_visited());
}

}  // namespace
}  // namespace motet::test
