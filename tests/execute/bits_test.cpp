// Cut into blocks or not, a sum of floats has the same bits.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <mutex>
#include <vector>

#include "algorithms/list.hpp"
#include "ranks.hpp"

namespace motet::test {
namespace {

using Floats = std::vector<float>;

// Of very different sizes, so that another order of summation gives another sum.
Floats input_of(Rank rank, std::size_t count) {
  Floats values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double x = static_cast<double>(i * 37 % 1009) + 31.0 * rank;
    values[i] = static_cast<float>(
        std::sin(x) * std::pow(10.0, static_cast<double>(i + rank) / 7 -
                                         std::floor(static_cast<double>(i + rank) / 7) + rank));
  }
  return values;
}

// What every rank has at the end.
std::vector<Floats> sums(const Network& network, int ranks, const Ask& ask) {
  World world(network, ranks);
  std::vector<Floats> outputs(static_cast<std::size_t>(ranks));
  world.run([&](RankEngine& rank) {
    Comm comm(rank, 1, everybody(ranks));
    const Floats input = input_of(rank.rank(), ask.count);
    Floats& output = outputs[static_cast<std::size_t>(rank.rank())];
    output.resize(ask.count);
    comm.run(ask, input.data(), output.data());
  });
  return outputs;
}

bool same_bits(const Floats& a, const Floats& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// In an exchange in place each side, if its steps are whole, sends everything before it receives:
// such messages have to fit into what is buffered.
std::size_t count_for(std::string_view algorithm) {
  const bool exchanges =
      algorithm != "mesh" && algorithm != "star" && algorithm != "ring" && algorithm != "two_shot";
  constexpr std::size_t per_block = 1024 / sizeof(float);
  return exchanges ? 3 * per_block - 1 : 80 * per_block + 33;
}

TEST(Blockwise, OnAndOffGiveTheSameBits) {
  for (const std::string transport : {"shm", "tcp"}) {
    for (const int ranks : {2, 4, 5}) {
      Network blockwise;
      blockwise.transport = transport;
      blockwise.block_bytes = 1024;
      Network whole = blockwise;
      whole.blockwise = false;
      for (const Algorithm* algorithm : algorithms_for(Collective::allreduce)) {
        const Ask ask{.collective = Collective::allreduce,
                      .type = DataType::float32,
                      .count = count_for(algorithm->name),
                      .algorithm = algorithm->name};
        if (!supports(*algorithm, ask, ranks)) continue;
        SCOPED_TRACE(std::string(algorithm->name) + " over " + transport);
        const auto a = sums(blockwise, ranks, ask);
        const auto b = sums(whole, ranks, ask);
        for (std::size_t rank = 0; rank < a.size(); ++rank) {
          EXPECT_TRUE(same_bits(a[rank], b[rank])) << "rank " << rank;
          EXPECT_TRUE(same_bits(a[rank], a[0])) << "rank " << rank << " and rank 0";
        }
      }
    }
  }
}

}  // namespace
}  // namespace motet::test
