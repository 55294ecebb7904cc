// motet.hpp, with threads as ranks.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <motet/motet.hpp>
#include <numeric>
#include <thread>
#include <vector>

namespace {

using motet::Communicator;
using Ints = std::vector<int>;

constexpr int ranks = 3;

// Runs `body` on every rank's thread. What a rank throws fails the test; its communicator's end
// frees the others.
void on_all_ranks(const std::function<void(Communicator&)>& body) {
  const motet_unique_id id = motet::unique_id();
  std::vector<std::jthread> threads;
  threads.reserve(ranks);
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        Communicator comm = Communicator::from_unique_id(id, rank, ranks);
        body(comm);
        comm.barrier();
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
      }
    });
  }
}

TEST(Interface, CombinesOutOfPlaceAndInPlace) {
  on_all_ranks([](Communicator& comm) {
    const Ints in{comm.rank(), 10 * comm.rank()};
    Ints out(2);
    comm.allreduce(in, out);
    EXPECT_EQ(out, (Ints{3, 30}));
    Ints data = in;
    comm.allreduce(data, motet::ReduceOp::max);
    EXPECT_EQ(data, (Ints{2, 20}));
    Ints at_root(comm.rank() == 1 ? 2 : 0);
    comm.reduce(in, at_root, 1);
    if (comm.rank() == 1) {
      EXPECT_EQ(at_root, (Ints{3, 30}));
    }
  });
}

TEST(Interface, GathersAndScatters) {
  on_all_ranks([](Communicator& comm) {
    const Ints mine{comm.rank()};
    Ints all(ranks);
    comm.allgather(mine, all);
    EXPECT_EQ(all, (Ints{0, 1, 2}));
    Ints in_place(ranks, -1);
    in_place[static_cast<std::size_t>(comm.rank())] = comm.rank();
    comm.allgather(in_place);
    EXPECT_EQ(in_place, (Ints{0, 1, 2}));
    Ints gathered(comm.rank() == 2 ? ranks : 0);
    comm.gather(mine, gathered, 2);
    if (comm.rank() == 2) {
      EXPECT_EQ(gathered, (Ints{0, 1, 2}));
    }
    const Ints whole = comm.rank() == 0 ? Ints{7, 8, 9} : Ints{};
    Ints part(1);
    comm.scatter(whole, part, 0);
    EXPECT_EQ(part, Ints{7 + comm.rank()});
  });
}

TEST(Interface, ExchangesParts) {
  on_all_ranks([](Communicator& comm) {
    Ints data(ranks);
    std::iota(data.begin(), data.end(), 10 * comm.rank());
    Ints out(ranks);
    comm.alltoall(data, out);
    EXPECT_EQ(out, (Ints{comm.rank(), 10 + comm.rank(), 20 + comm.rank()}));
    Ints part(1);
    comm.reduce_scatter(data, part);
    EXPECT_EQ(part, Ints{30 + 3 * comm.rank()});
    comm.reduce_scatter(data);
    EXPECT_EQ(data[static_cast<std::size_t>(comm.rank())], part[0]);
    Ints spread(2, comm.rank());
    comm.broadcast(spread, 1);
    EXPECT_EQ(spread, (Ints{1, 1}));
  });
}

using Counts = std::vector<std::size_t>;

TEST(Interface, GathersAndScattersUnevenParts) {
  on_all_ranks([](Communicator& comm) {
    const auto me = static_cast<std::size_t>(comm.rank());
    const Counts counts{2, 0, 1};
    const Ints all{10, 10, 30}, mine(counts[me], 10 * (comm.rank() + 1));
    Ints gathered(3), in_place(3, -1), at_root(comm.rank() == 2 ? 3 : 0), part(counts[me]);
    comm.allgatherv(mine, gathered, counts);
    EXPECT_EQ(gathered, all);
    std::copy(mine.begin(), mine.end(), in_place.begin() + (me == 2 ? 2 : 0));
    comm.allgatherv(in_place, counts);
    EXPECT_EQ(in_place, all);
    comm.gatherv(mine, at_root, comm.rank() == 2 ? counts : Counts{}, 2);
    if (comm.rank() == 2) {
      EXPECT_EQ(at_root, all);
    }
    comm.scatterv(at_root, comm.rank() == 2 ? counts : Counts{}, part, 2);
    EXPECT_EQ(part, mine);
  });
}

TEST(Interface, ExchangesUnevenParts) {
  on_all_ranks([](Communicator& comm) {
    const auto me = static_cast<std::size_t>(comm.rank());
    // Rank r sends r elements to everybody.
    const Counts sent(3, me), received{0, 1, 2};
    const Ints in(3 * me, comm.rank());
    Ints out(3);
    comm.alltoallv(in, sent, out, received);
    EXPECT_EQ(out, (Ints{1, 2, 2}));
    Ints data{1, 2, 3}, part(received[me]);
    comm.reduce_scatterv(data, part, received, motet::ReduceOp::max);
    EXPECT_EQ(part, (std::vector<Ints>{{}, {1}, {2, 3}}[me]));
    comm.reduce_scatterv(data, received);
    if (me == 2) {
      EXPECT_EQ(data[1] + data[2], 15);
    }
  });
}

TEST(Interface, StartsUnevenForms) {
  on_all_ranks([](Communicator& comm) {
    const auto me = static_cast<std::size_t>(comm.rank());
    Ints gathered(6, -1), exchanged(3), combined(6, 1), at_root(6), part(me + 1);
    const Ints sent(3, comm.rank()), mine(me + 1, comm.rank());
    std::vector<motet::Request> requests;
    {
      // Not needed once the calls have been started.
      const Counts counts{1, 2, 3}, ones(3, 1);
      std::copy(mine.begin(), mine.end(), gathered.begin() + std::array{0, 1, 3}[me]);
      requests.push_back(comm.start_allgatherv(gathered, counts));
      requests.push_back(comm.start_alltoallv(sent, ones, exchanged, ones));
      requests.push_back(comm.start_reduce_scatterv(combined, counts));
      requests.push_back(comm.start_gatherv(mine, at_root, counts, 0));
    }
    for (motet::Request& request : requests) request.wait();
    const Ints all{0, 1, 1, 2, 2, 2};
    EXPECT_EQ(gathered, all);
    EXPECT_EQ(exchanged, (Ints{0, 1, 2}));
    EXPECT_EQ(combined[static_cast<std::size_t>(std::array{0, 1, 3}[me])], 3);
    if (me == 0) {
      EXPECT_EQ(at_root, all);
    }
    comm.start_scatterv(at_root, Counts{1, 2, 3}, part, 0).wait();
    EXPECT_EQ(part, mine);
  });
}

TEST(Interface, RequestsEndInAnyOrderAndOnDestruction) {
  on_all_ranks([](Communicator& comm) {
    std::vector<double> a{1}, b{2}, c{3};
    {
      motet::Request first = comm.start_allreduce(a);
      motet::Request second = comm.start_allreduce(b);
      const motet::Request third = comm.start_allreduce(c);
      second.wait();
      while (!first.test()) comm.progress();
      EXPECT_TRUE(first.test());  // done stays done
    }
    EXPECT_EQ(a[0] + b[0] + c[0], 18);
    const std::vector<double> sent{static_cast<double>(comm.rank())};
    std::vector<double> received(1);
    motet::Request receiving = comm.start_recv(received, (comm.rank() + 2) % ranks);
    comm.send(sent, (comm.rank() + 1) % ranks);
    receiving.wait();
    EXPECT_EQ(received[0], (comm.rank() + 2) % ranks);
  });
}

TEST(Interface, StartsInPlaceWhatWorksInPlace) {
  on_all_ranks([](Communicator& comm) {
    const auto me = static_cast<std::size_t>(comm.rank());
    Ints gathered(ranks, -1), exchanged(ranks, comm.rank()), combined(ranks, comm.rank());
    gathered[me] = comm.rank();
    motet::Request gathering = comm.start_allgather(gathered);
    motet::Request exchanging = comm.start_alltoall(exchanged);
    motet::Request combining = comm.start_reduce_scatter(combined, motet::ReduceOp::max);
    combining.wait();
    exchanging.wait();
    gathering.wait();
    EXPECT_EQ(gathered, (Ints{0, 1, 2}));
    EXPECT_EQ(exchanged, (Ints{0, 1, 2}));
    EXPECT_EQ(combined[me], 2);
  });
}

TEST(Interface, LongestTimeoutsAreNotCutToShortOnes) {
  on_all_ranks([](Communicator& comm) {
    // As an int of 32 bits: 1 ms.
    constexpr std::chrono::milliseconds beyond_int{(std::int64_t{1} << 32) + 1};
    if (comm.rank() == 1) {
      comm.barrier();  // rank 0 has waited for longer than that
      return comm.send(Ints{7}, 0);
    }
    if (comm.rank() != 0) return comm.barrier();
    Ints received(1);
    motet::Request receiving = comm.start_recv(received, 1, {.timeout = beyond_int});
    const auto later = std::chrono::steady_clock::now() + std::chrono::milliseconds(10);
    while (std::chrono::steady_clock::now() < later) EXPECT_FALSE(receiving.test());
    comm.barrier();
    receiving.wait();
    EXPECT_EQ(received, Ints{7});
  });
}

TEST(Interface, SplitsAndMoves) {
  on_all_ranks([](Communicator& comm) {
    Communicator part = comm.split(comm.rank() == 0 ? -1 : 0, -comm.rank());
    EXPECT_EQ(static_cast<bool>(part), comm.rank() != 0);
    if (!part) return;
    const Communicator moved = std::move(part);
    EXPECT_EQ(moved.size(), 2);
    EXPECT_EQ(moved.rank(), 2 - comm.rank());
  });
}

TEST(Interface, RefusesLengthsThatDoNotFit) {
  on_all_ranks([](Communicator& comm) {
    Ints two(2), four(4);
    try {
      comm.allreduce(two, four);
      ADD_FAILURE() << "must throw";
    } catch (const motet::Error& error) {
      EXPECT_EQ(error.status(), motet_invalid_argument);
      EXPECT_NE(std::string(error.what()).find("rank " + std::to_string(comm.rank())),
                std::string::npos);
    }
    EXPECT_THROW(comm.allgather(four), motet::Error);
    EXPECT_THROW(comm.allgatherv(four, Counts{1, 1, 1}), motet::Error);
    EXPECT_THROW(comm.allgatherv(four, Counts{4}), motet::Error);
    EXPECT_THROW(comm.reduce_scatterv(four, two, Counts{2, 2, 1}), motet::Error);
    EXPECT_THROW(comm.alltoallv(four, Counts{4}, four, Counts{4}), motet::Error);
    EXPECT_THROW(comm.gatherv(two, two, Counts{2, 2, 2}, comm.rank()), motet::Error);
    EXPECT_THROW(comm.scatterv(two, Counts{2, 2, 2}, two, comm.rank()), motet::Error);
    EXPECT_THROW(comm.allreduce(two, motet::ReduceOp::sum, {.algorithm = "nonsense"}),
                 motet::Error);
  });
}

TEST(Interface, ExpectsOfUnevenFormsWhatTheyRun) {
  on_all_ranks([](Communicator& comm) {
    EXPECT_NE(comm.explain(motet_collective_allgatherv, 1000).find("allgather"), std::string::npos);
    EXPECT_EQ(comm.explain(motet_collective_alltoallv, 10),
              comm.explain(motet_collective_alltoallv, 100'000));
    const std::vector<float> mine(1000);
    std::vector<float> all(3000), data(3000);
    const Counts thousands(ranks, 1000);
    comm.allgatherv(mine, all, thousands);
    EXPECT_STREQ(comm.predict(motet_collective_allgatherv, 1000, motet_float32).algorithm,
                 comm.last_algorithm());
    comm.alltoallv(data, thousands, all, thousands);
    const motet_prediction expected = comm.predict(motet_collective_alltoallv, 1000, motet_float32);
    EXPECT_STREQ(expected.algorithm, comm.last_algorithm());
    EXPECT_GT(expected.time_us, 0);
    EXPECT_THROW(comm.alltoallv(data, thousands, all, thousands, {.algorithm = "bruck"}),
                 motet::Error);
    EXPECT_THROW((void)comm.predict(motet_collective_gatherv, 10, motet_float32, ranks),
                 motet::Error);
  });
}

TEST(Interface, ExplainsItsChoices) {
  on_all_ranks([](Communicator& comm) {
    EXPECT_FALSE(comm.explain(motet_collective_allreduce, 1000).empty());
    const motet_prediction expected = comm.predict(motet_collective_allreduce, 1000, motet_float32);
    EXPECT_GT(expected.time_us, expected.bound_us);
    EXPECT_GT(expected.bound_us, 0);
    std::vector<float> values(1000);
    comm.allreduce(values);
    EXPECT_STREQ(expected.algorithm, comm.last_algorithm());
    // Of a root that nobody asked for.
    EXPECT_EQ(comm.predict(motet_collective_allreduce, 1000, motet_float32, -1).time_us,
              expected.time_us);
    // A caller that was built when there was but the first member.
    motet_prediction older{};
    older.size = offsetof(motet_prediction, bound_us);
    older.bound_us = -1;
    motet::check(motet_predict(comm.handle(), motet_collective_allreduce, 1000, motet_float32, 0,
                               nullptr, &older));
    EXPECT_EQ(older.time_us, expected.time_us);
    EXPECT_EQ(older.bound_us, -1);
  });
}

}  // namespace
