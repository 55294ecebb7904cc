// Threads of the library and of a rank's own, when nothing goes on or something goes wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <thread>

#include "board.hpp"
#include "calls.hpp"

namespace motet::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

motet_comm* create(const motet_unique_id& id, int rank, int ranks, int progress_thread) {
  motet_config config{};
  config.size = sizeof config;
  config.rank = rank;
  config.world_size = ranks;
  config.id = &id;
  config.progress_thread = progress_thread;
  motet_comm* comm = nullptr;
  must(motet_comm_create(&config, &comm));
  return comm;
}

// Ranks are threads.
void be_all(int ranks, int progress_thread, const std::function<void(const World&)>& rank) {
  motet_unique_id id{};
  must(motet_unique_id_create(&id));
  std::vector<std::jthread> threads;
  threads.reserve(static_cast<std::size_t>(ranks));
  for (int number = 0; number < ranks; ++number) {
    threads.emplace_back([&, number] {
      try {
        motet_comm* comm = create(id, number, ranks, progress_thread);
        rank(World(comm));
        must(motet_comm_destroy(comm));
      } catch (const std::exception& error) {
        ADD_FAILURE() << "rank " << number << ": " << error.what();
      }
    });
  }
}

// What a callback has said.
struct Heard {
  std::atomic<int> times = 0;
  std::atomic<int> status = -1;
  std::string text;  // once times is 1

  static void hear(motet_status status, const char* message, void* user) {
    auto& self = *static_cast<Heard*>(user);
    if (self.times == 0) self.text = message;
    self.status = status;
    ++self.times;
  }
  bool came() const {
    return comes_true([this] { return times > 0; });
  }
};

// A barrier that the others do not join.
motet_status start_alone(motet_comm* comm, int timeout_ms, Heard& heard) {
  motet_call call{};
  call.size = sizeof call;
  call.timeout_ms = timeout_ms;
  call.on_done = Heard::hear;
  call.user = &heard;
  return motet_barrier(comm, &call);
}

// Threads of this process by that name.
std::vector<std::filesystem::path> threads_named(const std::string& name) {
  std::vector<std::filesystem::path> found;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string its;
    std::getline(std::ifstream(task.path() / "comm"), its);
    if (its == name) found.push_back(task.path());
  }
  return found;
}

long cpu_ns(const std::filesystem::path& task) {
  long ns = 0;
  std::ifstream(task / "schedstat") >> ns;
  return ns;
}

// Waits until all ranks have come here.
class Meeting {
 public:
  explicit Meeting(int ranks) : ranks_(ranks) {}
  void meet() {
    std::unique_lock lock(mutex_);
    const int round = come_++ / ranks_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return come_ >= (round + 1) * ranks_; });
  }

 private:
  const int ranks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int come_ = 0;
};

TEST(ProgressThread, UsesNoProcessorWhileNothingIsUnderWay) {
  Meeting meeting(2);
  be_all(2, 1, [&](const World& world) {
    OneCall call({.collective = motet_collective_allreduce, .count = 100'000}, world.comm);
    must(call.start());
    must(motet_wait(&call.request()));
    meeting.meet();
    if (world.rank == 0) {
      const auto threads = threads_named("motet-progress");
      EXPECT_EQ(threads.size(), 2U);
      // They may still be on their way to sleep.
      std::this_thread::sleep_for(milliseconds(100));
      std::vector<long> before;
      before.reserve(threads.size());
      for (const auto& task : threads) before.push_back(cpu_ns(task));
      std::this_thread::sleep_for(milliseconds(1000));
      for (std::size_t i = 0; i < threads.size(); ++i) {
        EXPECT_LT(cpu_ns(threads[i]) - before[i], 10'000'000) << "1 % of a second";
      }
    }
    meeting.meet();
  });
  EXPECT_TRUE(threads_named("motet-progress").empty()) << "it ends with its engine";
}

TEST(ProgressThread, LeavesSignalsToTheProgram) {
  be_all(1, 1, [&](const World&) {
    for (const auto& task : threads_named("motet-progress")) {
      std::ifstream status(task / "status");
      std::string word, blocked;
      while (status >> word && word != "SigBlk:") continue;
      status >> blocked;
      constexpr unsigned long all_but_kill_and_stop = 0x7ffbfeff;
      EXPECT_EQ(std::stoul(blocked, nullptr, 16) & all_but_kill_and_stop, all_but_kill_and_stop);
    }
  });
}

TEST(ProgressThread, IsThereIfTheEnvironmentOrTheConfigurationSaysSo) {
  const auto count = [](int progress_thread) {
    std::size_t threads = 0;
    be_all(1, progress_thread,
           [&](const World&) { threads = threads_named("motet-progress").size(); });
    return threads;
  };
  EXPECT_EQ(count(0), 0U);
  EXPECT_EQ(count(1), 1U);
  setenv("MOTET_PROGRESS_THREAD", "1", 1);
  EXPECT_EQ(count(0), 1U);
  EXPECT_EQ(count(-1), 0U);
  unsetenv("MOTET_PROGRESS_THREAD");
}

TEST(ProgressThread, TimesOutWhatNobodyWaitsFor) {
  Meeting meeting(3);
  be_all(3, 1, [&](const World& world) {
    Heard heard;
    if (world.rank == 1) {
      must(start_alone(world.comm, 300, heard));
      EXPECT_TRUE(heard.came());
      EXPECT_EQ(heard.status, motet_timeout);
      EXPECT_THAT(heard.text, AllOf(HasSubstr("rank 1: barrier #1"), HasSubstr("after 300 ms")));
    }
    meeting.meet();
    EXPECT_EQ(heard.times, world.rank == 1 ? 1 : 0);
  });
}

TEST(Callbacks, HearWhoeverDrivesThatTimeIsOver) {
  Meeting meeting(2);
  be_all(2, -1, [&](const World& world) {
    Heard heard;
    if (world.rank == 0) {
      must(start_alone(world.comm, 200, heard));
      EXPECT_TRUE(comes_true([&] {
        must(motet_progress(world.comm));
        return heard.times > 0;
      }));
      EXPECT_EQ(heard.status, motet_timeout);
    }
    meeting.meet();
  });
}

TEST(Callbacks, HearThatTheirCommunicatorWasAborted) {
  Meeting meeting(2);
  be_all(2, 1, [&](const World& world) {
    Heard heard;
    if (world.rank == 0) must(start_alone(world.comm, 0, heard));
    meeting.meet();
    if (world.rank == 1) must(motet_comm_abort(world.comm, "enough"));
    if (world.rank == 0) {
      EXPECT_TRUE(heard.came());
      EXPECT_EQ(heard.status, motet_aborted);
      EXPECT_THAT(heard.text, HasSubstr("rank 1 aborted the communicator: enough"));
    }
    meeting.meet();
  });
}

TEST(Callbacks, HearOnceThatTheirCommunicatorWasDestroyed) {
  for (const int progress_thread : {-1, 1}) {
    Meeting meeting(2);
    Heard heard;
    motet_request* request = nullptr;
    be_all(2, progress_thread, [&](const World& world) {
      if (world.rank == 1) return;
      must(start_alone(world.comm, 0, heard));
      motet_call call{};
      call.size = sizeof call;
      call.request = &request;
      must(motet_barrier(world.comm, &call));
    });
    EXPECT_EQ(heard.times, 1);
    EXPECT_TRUE(heard.status == motet_aborted || heard.status == motet_invalid_argument)
        << heard.text;
    EXPECT_NE(motet_wait(&request), motet_ok);
  }
}

TEST(Callbacks, AreNotCalledForWhatIsRefused) {
  be_all(1, 0, [&](const World& world) {
    Heard heard;
    motet_call call{};
    call.size = sizeof call;
    call.on_done = Heard::hear;
    call.user = &heard;
    EXPECT_EQ(motet_allreduce(nullptr, nullptr, 5, motet_float32, motet_sum, world.comm, &call),
              motet_invalid_argument);
    must(motet_progress(world.comm));
    EXPECT_EQ(heard.times, 0);
  });
}

// Two threads wait for calls that nobody joins; the one with the shorter time gives the cause.
TEST(Waiters, HearTheSameFirstCause) {
  Meeting meeting(2);
  be_all(2, 0, [&](const World& world) {
    std::string texts[2];
    const auto wait_for = [&](std::size_t which, int timeout_ms) {
      motet_call call{};
      motet_request* request = nullptr;
      call.size = sizeof call;
      call.timeout_ms = timeout_ms;
      call.request = &request;
      must(motet_barrier(world.comm, &call));
      EXPECT_EQ(motet_wait(&request), motet_timeout);
      texts[which] = motet_last_error();
    };
    if (world.rank == 0) {
      {
        std::jthread one([&] { wait_for(0, 300); });
        std::jthread other([&] { wait_for(1, 20'000); });
      }
      for (const std::string& text : texts) EXPECT_THAT(text, HasSubstr("timed out after 300 ms"));
    }
    meeting.meet();
  });
}

}  // namespace
}  // namespace motet::testing
