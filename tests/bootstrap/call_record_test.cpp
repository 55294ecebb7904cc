// Records of v-forms: what is compared, what is quoted, and that it gets to the hub.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "bootstrap/health_messages.hpp"

namespace motet {
namespace {

using Counts = std::vector<std::size_t>;

CallRecord allgatherv(std::uint64_t sequence, const Counts& counts) {
  std::size_t total = 0;
  for (const std::size_t count : counts) total += count;
  return {.sequence = sequence,
          .collective = Collective::allgather,
          .type = DataType::float32,
          .count = total,
          .is_uneven = true,
          .counts = CountsRecord::of(counts)};
}

CallRecord alltoallv(std::uint64_t count) {
  return {.sequence = 7,
          .collective = Collective::alltoall,
          .type = DataType::int8,
          .count = count,
          .is_uneven = true};
}

TEST(CallRecord, QuotesTheCountsOfVForms) {
  EXPECT_EQ(to_text(allgatherv(3, {1, 0, 5})), "allgatherv #3 (24 B float32 in parts of 1 0 5)");
  EXPECT_EQ(to_text(alltoallv(10)), "alltoallv #7 (10 B int8)");
  CallRecord reduced = allgatherv(2, {2, 2});
  reduced.collective = Collective::reduce_scatter;
  EXPECT_EQ(to_text(reduced), "reduce_scatterv #2 (16 B float32 sum in parts of 2 2)");
  const CallRecord rooted{.sequence = 4,
                          .collective = Collective::gather,
                          .type = DataType::int8,
                          .root = 2,
                          .count = 5,
                          .is_uneven = true};
  EXPECT_EQ(to_text(rooted), "gatherv #4 (5 B int8 root 2)");
}

TEST(CallRecord, QuotesTheFirstOfManyCountsAndADigestOfAll) {
  const std::string text = to_text(allgatherv(1, {1, 2, 3, 4, 5, 6, 7, std::size_t{1} << 40, 9}));
  EXPECT_TRUE(text.find("in parts of 1 2 3 4 5 6 7 4294967295+ ... (9 parts, digest ") !=
              std::string::npos)
      << text;
  EXPECT_NE(text, to_text(allgatherv(1, {1, 2, 3, 4, 5, 6, 7, (std::size_t{1} << 40) + 1, 8})));
}

TEST(CallRecord, OfVFormsAgreesByAllCountsWhereAllKnowThem) {
  EXPECT_TRUE(agree(allgatherv(1, {1, 2, 3}), allgatherv(1, {1, 2, 3})));
  EXPECT_FALSE(agree(allgatherv(1, {1, 2, 3}), allgatherv(1, {1, 3, 2})));
  EXPECT_FALSE(agree(allgatherv(1, {2, 2}), allgatherv(1, {4})));
  Counts many(20, 1), others = many;
  many[15] = others[16] = 5;  // beyond those that are quoted
  EXPECT_FALSE(agree(allgatherv(1, many), allgatherv(1, others)));
  CallRecord even = allgatherv(1, {5, 5});
  even.is_uneven = false;
  even.counts = {};
  EXPECT_FALSE(agree(even, allgatherv(1, {5, 5})));
}

TEST(CallRecord, OfVFormsAgreesWithAnyCountWhereOnlyTheEndsKnowIt) {
  EXPECT_TRUE(agree(alltoallv(5), alltoallv(6)));
  CallRecord other = alltoallv(5);
  other.type = DataType::int16;
  EXPECT_FALSE(agree(alltoallv(5), other));
  other = alltoallv(5);
  other.is_uneven = false;
  EXPECT_FALSE(agree(alltoallv(5), other));
}

TEST(CallLog, KeepsTheCountsOfVFormsAmongOthers) {
  CallLog log;
  const CallRecord even{.sequence = 1, .collective = Collective::broadcast, .root = 1, .count = 3};
  log.write(even);
  log.write(allgatherv(2, {9, 8, 7, 6, 5, 4, 3, 2, 1}));
  // In the place of one that had counts.
  constexpr std::uint64_t kept = CallLog::kept;
  for (std::uint64_t i = 3; i <= kept + 2; ++i) {
    CallRecord next = even;
    next.sequence = i;
    log.write(next);
  }
  log.write(allgatherv(kept + 3, {1, 2}));
  const auto records = log.read();
  ASSERT_EQ(records.size(), kept);
  EXPECT_EQ(records.back(), allgatherv(kept + 3, {1, 2}));
  for (std::size_t i = 0; i + 1 < records.size(); ++i) EXPECT_EQ(records[i].counts.ranks, 0U);
}

TEST(CallLog, OfVFormsIsNeverReadTorn) {
  CallLog log;
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done.load()) {
      for (const CallRecord& record : log.read()) {
        const std::size_t i = record.sequence;
        const Counts counts{i, 2 * i, 3 * i, i, i, i, i, i, i};
        EXPECT_EQ(record.counts, record.is_uneven ? CountsRecord::of(counts) : CountsRecord{});
      }
    }
  });
  for (std::uint64_t i = 1; i <= 50'000; ++i) {
    if (i % 3 == 0) {
      log.write({.sequence = i, .collective = Collective::allreduce, .count = i});
    } else {
      log.write(allgatherv(i, {i, 2 * i, 3 * i, i, i, i, i, i, i}));
    }
  }
  done = true;
  reader.join();
}

TEST(HealthMessage, CarriesTheCountsOfVForms) {
  HealthMessage message{.call = HealthCall::answer};
  message.records = {allgatherv(1, {1, 2, 3}), alltoallv(5), allgatherv(2, Counts(40, 3))};
  const auto decoded = decode_health_message(encode(message));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->records, message.records);
  std::string cut = encode(message);
  cut.resize(cut.size() - 60);
  EXPECT_FALSE(decode_health_message(cut));
}

}  // namespace
}  // namespace motet
