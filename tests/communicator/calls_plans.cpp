// Calls that are bound once and made again and again.
#include <initializer_list>
#include <motet/plan.hpp>

#include "calls.hpp"

namespace motet::testing {
namespace {

// A call with its plan.
struct Planned {
  OneCall call;
  motet_plan* plan = nullptr;

  Planned(const Asked& asked, motet_comm* comm) : call(asked, comm) { must(call.bind(&plan)); }
  Planned(Planned&& other) noexcept
      : call(std::move(other.call)), plan(std::exchange(other.plan, nullptr)) {}
  ~Planned() { motet_plan_free(plan); }

  void run() {
    call.fill();
    must(motet_plan_run(plan));
    call.check();
  }
  void start() {
    call.fill();
    must(motet_plan_start(plan, &call.request()));
  }
  void wait() {
    must(motet_wait(&call.request()));
    must_be(call.request() == nullptr, "a request that was waited for is NULL");
    call.check();
  }
};

constexpr std::initializer_list<motet_collective> collectives{
    motet_collective_allreduce, motet_collective_allgather, motet_collective_reduce_scatter,
    motet_collective_broadcast, motet_collective_reduce,    motet_collective_alltoall,
    motet_collective_gather,    motet_collective_scatter,   motet_collective_barrier};

// Ranks need not agree on who makes a call by a plan, and how.
void make_in_turns(const Asked& asked, const World& world) {
  Planned planned(asked, world.comm);
  for (int round = 0; round < 5; ++round) {
    const int way = (round + world.rank) % 3;
    if (way == 0) {
      planned.run();
    } else if (way == 1) {
      planned.start();
      planned.wait();
    } else {
      planned.call.fill();
      must(planned.call.run());
      planned.call.check();
    }
  }
}

void planned_collectives(const World& world) {
  for (const motet_collective collective : collectives) {
    for (const size_t count : {0, 1, 5, 1000, 30'001, 200'003}) {
      for (const bool in_place : {false, true}) {
        make_in_turns({.collective = collective,
                       .count = count,
                       .root = static_cast<int>(count) % world.size,
                       .in_place = in_place},
                      world);
      }
    }
  }
}

// All of them at once, in the order of the calls; waited for in another one by every rank.
void planned_requests(const World& world) {
  std::vector<Planned> all;
  for (const motet_collective collective : collectives) {
    for (const size_t count : {3, 20'000}) {
      all.emplace_back(Asked{.collective = collective, .count = count}, world.comm);
    }
  }
  for (size_t round = 0; round < 20; ++round) {
    for (Planned& planned : all) planned.start();
    for (size_t i = 0; i < all.size(); ++i) {
      all[(i + round + static_cast<size_t>(world.rank)) % all.size()].wait();
    }
  }
}

void planned_messages(const World& world) {
  if (world.size == 1) return;
  const int right = (world.rank + 1) % world.size;
  const int left = (world.rank + world.size - 1) % world.size;
  for (const size_t count : {1, 3000, 100'000}) {
    std::vector<float> out(count), in(count);
    Communicator comm(split(world.comm, 0, world.rank));
    Plan send([&](const CallOptions& how) { comm.send(out, right, how); });
    Plan recv([&](const CallOptions& how) { comm.recv(in, left, how); });
    for (int round = 0; round < 10; ++round) {
      const auto value = [&](int rank) { return static_cast<float>(100 * rank + round); };
      std::fill(out.begin(), out.end(), value(world.rank));
      Request sending = send.start();
      recv.run();
      sending.wait();
      must_be(in == std::vector<float>(count, value(left)), "a planned message");
    }
  }
}

void planned_premultiplied_sums(const World& world) {
  const auto ranks = static_cast<size_t>(world.size);
  Communicator comm(split(world.comm, 0, world.rank));
  for (const size_t count : {1, 5000}) {
    std::vector<float> in(ranks * count), out(count);
    Plan plan([&](CallOptions how) {
      how.scale = world.rank + 1;
      comm.reduce_scatter(in, out, ReduceOp::premul_sum, how);
    });
    for (int round = 0; round < 5; ++round) {
      std::fill(in.begin(), in.end(), static_cast<float>(round));
      plan.run();
      const int scales = world.size * (world.size + 1) / 2;
      const auto sum = static_cast<float>(round * scales);
      must_be(out == std::vector<float>(count, sum), "a planned premultiplied sum");
    }
  }
}

// In place the input is multiplied anew by every start.
void planned_products_in_place(const World& world) {
  Communicator comm(split(world.comm, 0, world.rank));
  for (const size_t count : {1, 5000}) {
    std::vector<double> both(count);
    Plan plan([&](CallOptions how) {
      how.scale = world.rank + 1;
      comm.allreduce(both, ReduceOp::premul_sum, how);
    });
    for (int round = 0; round < 6; ++round) {
      std::fill(both.begin(), both.end(), round);
      round % 2 == 0 ? plan.run() : plan.start().wait();
      const int scales = world.size * (world.size + 1) / 2;
      must_be(both == std::vector<double>(count, round * scales), "a planned product in place");
    }
  }
}

// Freed while they are under way, before and after their communicator.
void plans_freed_early(const World& world) {
  motet_comm* part = split(world.comm, 0, world.rank);
  {
    OneCall call({.collective = motet_collective_allreduce, .count = 100'000}, part);
    motet_plan* plan = nullptr;
    must(call.bind(&plan));
    must(motet_plan_start(plan, &call.request()));
    must(motet_plan_free(plan));
    must(motet_wait(&call.request()));
    call.check();
  }
  must(motet_barrier(part, nullptr));
  Planned outlives({.collective = motet_collective_allreduce, .count = 5}, part);
  outlives.run();
  must(motet_comm_destroy(part));
  must_be(motet_plan_run(outlives.plan) == motet_invalid_argument, "its communicator has gone");
}

}  // namespace

const Scenarios& plan_scenarios() {
  static const Scenarios all{{"planned_collectives", planned_collectives},
                             {"planned_requests", planned_requests},
                             {"planned_messages", planned_messages},
                             {"planned_premultiplied_sums", planned_premultiplied_sums},
                             {"planned_products_in_place", planned_products_in_place},
                             {"plans_freed_early", plans_freed_early}};
  return all;
}

}  // namespace motet::testing
