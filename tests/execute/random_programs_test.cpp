// Random programs, most of them on rings so small that everything is full all the time. A failure
// names its seed.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "random_program.hpp"

namespace motet::test {
namespace {

struct Variant {
  std::string name;
  Network network;
};
void PrintTo(const Variant& variant, std::ostream* out) {
  *out << variant.name;
}

std::vector<Variant> variants() {
  const std::string faults = "seed=7,delay=3,full=0.1,reorder=0.2";
  std::vector<Variant> all;
  for (const std::string transport : {"shm", "tcp"}) {
    Network plain;
    plain.transport = transport;
    Network faulty = plain;
    faulty.fault = faults;
    all.push_back({transport + "_tiny", tiny(plain)});
    all.push_back({transport + "_tiny_faults", tiny(faulty)});
    all.push_back({transport, plain});
  }
  Network reading;
  reading.transport = "tcp";
  reading.reads = true;
  all.push_back({"reading", reading});
  all.push_back({"reading_tiny", tiny(reading)});
  return all;
}

class RandomPrograms : public testing::TestWithParam<Variant> {};

// Several on the same engines, one after the other: what the last one left behind would show.
TEST_P(RandomPrograms, EndWithTheRightResults) {
  constexpr int programs_per_world = 10;
  std::uint64_t seed = 1'000;
  for (int world = 0; world < MOTET_RANDOM_WORLDS; ++world) {
    World ranks(GetParam().network, 2 + world % 5);
    for (int i = 0; i < programs_per_world; ++i, ++seed) {
      const RandomProgram program = make_random_program(seed, ranks.size());
      const auto first_id = static_cast<std::uint32_t>(1 + 10 * i);
      ASSERT_NO_THROW(ranks.run([&](RankEngine& rank) { run_program(program, rank, first_id); }))
          << fmt::format("{} ranks, seed {}", ranks.size(), seed);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, RandomPrograms, testing::ValuesIn(variants()),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace motet::test
