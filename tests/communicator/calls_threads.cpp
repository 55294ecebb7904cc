// Calls by several threads of a rank, and calls that are heard of by callbacks.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

#include "calls.hpp"

namespace motet::testing {
namespace {

constexpr std::chrono::seconds long_enough{60};

// Runs all at once; throws what the first of them that failed has thrown.
void at_once(const std::vector<std::function<void()>>& tasks) {
  std::mutex mutex;  // guards failure
  std::exception_ptr failure;
  {
    std::vector<std::jthread> threads;
    threads.reserve(tasks.size());
    for (const auto& task : tasks) {
      threads.emplace_back([&] {
        try {
          task();
        } catch (...) {
          const std::scoped_lock lock(mutex);
          if (failure == nullptr) failure = std::current_exception();
        }
      });
    }
  }
  if (failure != nullptr) std::rethrow_exception(failure);
}

Asked allreduce_of(size_t count) {
  return {.collective = motet_collective_allreduce, .count = count};
}

void call_once(const Asked& asked, motet_comm* comm) {
  OneCall call(asked, comm);
  must(call.run());
  call.check();
}

// ---- One communicator

// Calls on their way from the thread that starts them to those that wait.
class Calls {
 public:
  void put(std::unique_ptr<OneCall> call) {
    const std::scoped_lock lock(mutex_);
    calls_.push_back(std::move(call));
    changed_.notify_one();
  }
  void close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  // Null: no more will come.
  std::unique_ptr<OneCall> take() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, long_enough, [this] { return closed_ || !calls_.empty(); })) {
      throw std::runtime_error("no call came");
    }
    if (calls_.empty()) return nullptr;
    auto call = std::move(calls_.front());
    calls_.pop_front();
    return call;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<OneCall>> calls_;
  bool closed_ = false;
};

void wait_for_all(Calls& calls, bool by_tests) {
  while (auto call = calls.take()) {
    for (int done = 0; by_tests && done == 0; std::this_thread::yield()) {
      must(motet_test(&call->request(), &done));
    }
    must(motet_wait(&call->request()));
    call->check();
  }
}

void start_all(const World& world, Calls& calls) {
  constexpr motet_collective kinds[] = {motet_collective_allreduce, motet_collective_broadcast,
                                        motet_collective_allgather, motet_collective_alltoall,
                                        motet_collective_reduce_scatter};
  for (size_t i = 0; i < 150; ++i) {
    const Asked asked{.collective = kinds[i % std::size(kinds)],
                      .count = i % 37 == 0 ? 50'000 : 1 + i % 29,
                      .root = static_cast<int>(i) % world.size};
    if (i % 4 == 0) {
      call_once(asked, world.comm);
      continue;
    }
    auto call = std::make_unique<OneCall>(asked, world.comm);
    must(call->start());
    calls.put(std::move(call));
  }
  calls.close();
}

// Messages have an order of their own.
void send_around(const World& world) {
  const int right = (world.rank + 1) % world.size;
  const int left = (world.rank + world.size - 1) % world.size;
  for (size_t k = 0; k < 100 && world.size > 1; ++k) {
    const std::vector<float> out(k % 10 * 500, static_cast<float>(world.rank));
    std::vector<float> in(out.size(), -1);
    motet_request* sent = nullptr;
    motet_call call{};
    call.size = sizeof call;
    call.request = &sent;
    must(motet_send(out.data(), out.size(), motet_float32, right, world.comm, &call));
    must(motet_recv(in.data(), in.size(), motet_float32, left, world.comm, nullptr));
    must(motet_wait(&sent));
    must_be(in == std::vector<float>(in.size(), static_cast<float>(left)), "a message");
  }
}

// One thread starts collectives, others wait for them and send messages.
void shared_by_threads(const World& world) {
  Calls calls;
  at_once({[&] { start_all(world, calls); }, [&] { wait_for_all(calls, false); },
           [&] { wait_for_all(calls, true); }, [&] { send_around(world); }});
}

// Threads whose calls are new to the communicator, each in its turn.
void planned_by_threads(const World& world) {
  constexpr size_t threads = 3, rounds = 20;
  std::mutex mutex;
  std::condition_variable changed;
  size_t next = 0;  // guarded by mutex: who may start
  const auto start_in_turn = [&](size_t me) {
    std::vector<OneCall> calls;
    for (size_t round = 0; round < rounds; ++round) {
      calls.emplace_back(allreduce_of(1 + round * 100 + me % 2), world.comm);
    }
    for (size_t round = 0; round < rounds; ++round) {
      std::unique_lock lock(mutex);
      const bool my_turn = changed.wait_for(lock, std::chrono::seconds(20),
                                            [&] { return next == round * threads + me; });
      must_be(my_turn, "a thread's turn comes");
      must(calls[round].start());
      ++next;
      changed.notify_all();
    }
    for (OneCall& call : calls) {
      must(motet_wait(&call.request()));
      call.check();
    }
  };
  at_once({[&] { start_in_turn(0); }, [&] { start_in_turn(1); }, [&] { start_in_turn(2); }});
}

// ---- One engine

std::vector<motet_unique_id> share_ids(const World& world, size_t count) {
  std::vector<motet_unique_id> ids(count);
  for (motet_unique_id& id : ids) {
    if (world.rank == 0) must(motet_unique_id_create(&id));
    must(motet_broadcast(id.bytes, id.bytes, sizeof id.bytes, motet_int8, 0, world.comm, nullptr));
  }
  return ids;
}

motet_comm* make_beside(const World& world, const motet_unique_id& id, const motet_comm* beside) {
  motet_config config{};
  config.size = sizeof config;
  config.rank = world.rank;
  config.world_size = world.size;
  config.id = &id;
  config.beside = beside;
  motet_comm* made = nullptr;
  must(motet_comm_create(&config, &made));
  return made;
}

void use_and_destroy(motet_comm* comm) {
  for (const size_t count : {1, 700, 40'000}) call_once(allreduce_of(count), comm);
  must(motet_comm_destroy(comm));
}

// Allreduces until all ranks have finished.
void call_until(const World& world, const std::atomic<bool>& finished) {
  for (int at = 0; at < world.size;) {
    int mine = finished ? 1 : 0;
    must(motet_allreduce(&mine, &at, 1, motet_int32, motet_sum, world.comm, nullptr));
    call_once(allreduce_of(5000), world.comm);
  }
}

void make_many_beside(const World& world, const std::vector<motet_unique_id>& ids) {
  for (size_t i = 0; i < ids.size(); ++i) {
    motet_comm* made = make_beside(world, ids[i], world.comm);
    OneCall pending(allreduce_of(3000), made);
    must(pending.start());
    if (i % 3 == 0) {
      motet_comm* part = split(made, world.rank % 2, 0);
      use_and_destroy(part);
    }
    must(motet_wait(&pending.request()));
    pending.check();
    use_and_destroy(made);
  }
}

// A thread makes and destroys communicators while another one makes calls.
void made_beside(const World& world) {
  const auto ids = share_ids(world, 30);
  std::atomic<bool> finished = false;
  at_once({[&] { call_until(world, finished); },
           [&] {
             make_many_beside(world, ids);
             finished = true;
           }});
}

// Two threads make communicators at the same time, in an order that no rank knows of another; a
// third splits.
void made_in_any_order(const World& world) {
  const auto ids = share_ids(world, 12);
  motet_comm* other = split(world.comm, 0, 0);
  const auto make_half = [&](size_t half) {
    for (size_t i = half; i < ids.size(); i += 2) {
      use_and_destroy(make_beside(world, ids[i], world.comm));
    }
  };
  at_once({[&] { make_half(0); }, [&] { make_half(1); },
           [&] {
             for (int i = 0; i < 10; ++i) use_and_destroy(split(other, world.rank % 2, 0));
           }});
  must(motet_comm_destroy(other));
}

// The first to come to a split has no turn while it waits: the others make another communicator
// before they come, which needs one.
void split_before_others_come(const World& world) {
  const auto ids = share_ids(world, 1);
  motet_comm* other = split(world.comm, 0, 0);
  const auto split_other = [&] { use_and_destroy(split(other, 0, 0)); };
  const auto make = [&] { use_and_destroy(make_beside(world, ids[0], world.comm)); };
  if (world.rank == 0) {
    at_once({split_other, make});
  } else {
    make();
    split_other();
  }
  must(motet_comm_destroy(other));
}

// As two before, and no rank is connected to any other before.
void connected_in_any_order(const World& world) {
  const auto ids = share_ids(world, 2);
  motet_unique_id of_one{};
  must(motet_unique_id_create(&of_one));
  at_once({[&] {  // a new thread: a new engine
    motet_config config{};
    config.size = sizeof config;
    config.world_size = 1;
    config.id = &of_one;
    motet_comm* alone = nullptr;
    must(motet_comm_create(&config, &alone));
    at_once({[&] { use_and_destroy(make_beside(world, ids[0], alone)); },
             [&] { use_and_destroy(make_beside(world, ids[1], alone)); }});
    must(motet_comm_destroy(alone));
  }});
}

// ---- Callbacks

// Counts what it is told.
class Told {
 public:
  static void tell(motet_status status, const char* message, void* user) {
    auto& self = *static_cast<Told*>(user);
    const std::scoped_lock lock(self.mutex_);
    ++self.times_;
    if (status != motet_ok && self.problem_.empty()) self.problem_ = message;
    if (status == motet_ok && *message != '\0') self.problem_ = "a text without a failure";
    self.changed_.notify_all();
  }
  // The callbacks alone.
  void await(int times) {
    std::unique_lock lock(mutex_);
    const bool came = changed_.wait_for(lock, long_enough, [&] { return times_ >= times; });
    must_be(came, "told " + std::to_string(times_) + " of " + std::to_string(times));
    must_be(problem_.empty(), problem_);
  }
  // While driving.
  void drive_until(int times, motet_comm* comm) {
    while (count() < times) must(motet_progress(comm));
    await(times);
  }
  int count() {
    const std::scoped_lock lock(mutex_);
    return times_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int times_ = 0;
  std::string problem_;
};

constexpr size_t told_counts[] = {0, 1, 3000, 100'000};

// Calls without requests.
void start_and_hear(const World& world, const std::function<void(Told&, int)>& await) {
  Told told;
  std::vector<OneCall> calls;
  calls.reserve(40);
  for (size_t i = 0; i < 40; ++i) {
    OneCall& call = calls.emplace_back(allreduce_of(told_counts[i % 4]), world.comm);
    must(call.start_unattended(Told::tell, &told));
  }
  await(told, 40);
  for (const OneCall& call : calls) call.check();
  must_be(told.count() == 40, "each is told once");
}

void told_when_done(const World& world) {
  start_and_hear(world, [&](Told& told, int times) { told.drive_until(times, world.comm); });
  // Beside requests, which are waited for.
  Told told;
  std::vector<OneCall> calls;
  calls.reserve(20);
  for (size_t i = 0; i < 20; ++i) {
    OneCall& call = calls.emplace_back(allreduce_of(told_counts[i % 4]), world.comm);
    must(call.start(Told::tell, &told));
  }
  for (OneCall& call : calls) {
    must(motet_wait(&call.request()));
    call.check();
  }
  told.await(20);
}

// Nobody but a thread of the library drives the calls.
void driven_by_thread(const World& world) {
  const auto ids = share_ids(world, 1);
  at_once({[&] {
    motet_config config{};
    config.size = sizeof config;
    config.rank = world.rank;
    config.world_size = world.size;
    config.id = ids.data();
    config.progress_thread = 1;
    motet_comm* driven = nullptr;
    must(motet_comm_create(&config, &driven));
    const World there(driven);
    for (int round = 0; round < 3; ++round) {
      start_and_hear(there, [&](Told& told, int times) { told.await(times); });
      call_once(allreduce_of(20'000), driven);
      shared_by_threads(there);
    }
    must(motet_comm_destroy(driven));
  }});
}

}  // namespace

const Scenarios& thread_scenarios() {
  static const Scenarios all{{"shared_by_threads", shared_by_threads},
                             {"planned_by_threads", planned_by_threads},
                             {"made_beside", made_beside},
                             {"made_in_any_order", made_in_any_order},
                             {"split_before_others_come", split_before_others_come},
                             {"connected_in_any_order", connected_in_any_order},
                             {"told_when_done", told_when_done},
                             {"driven_by_thread", driven_by_thread}};
  return all;
}

}  // namespace motet::testing
