// Shared memory between processes: deaths, stopped ranks, and what is left behind.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <random>

#include "base/deadline.hpp"
#include "shm_processes.hpp"

namespace motet::test {
namespace {

void require(bool fact, const char* what) {
  if (!fact) throw std::runtime_error(what);
}

void wait_for_failure(Engine& me, int peer) {
  me.until([&] { return me.to(peer).state() == Endpoint::State::failed; }, "the peer's death");
}

// How memory travels in these tests.
struct Publication {
  Location location;
  std::uint32_t epoch = 0;
};

PeerMemory& memory(Engine& me, int peer) {
  return dynamic_cast<PeerMemory&>(me.to(peer));
}

void send_location(Engine& me, std::uint32_t index, const Location& location) {
  const Publication publication{location, memory(me, 1).epoch()};
  const Header header = header_of(9, index, sizeof publication);
  me.until([&] { return me.to(1).send(header, &publication); }, "room for a publication");
}

void publish(Engine& me, std::uint32_t index, const void* data, std::size_t bytes) {
  const auto location = memory(me, 1).publish(data, bytes);
  require(location.has_value(), "the memory can be published");
  send_location(me, index, *location);
}

// Once something has come from the peer: by then it has found out whether it can read.
constexpr auto done = PeerMemory::Read::done;

void publish_for_reading(Engine& me, std::uint32_t index, const void* data) {
  const auto location = memory(me, 1).publish_for_reading(data, 8);
  require(location.has_value(), "the peer can read");
  send_location(me, index, *location);
}

Publication receive_publication(Engine& me) {
  me.until([&] { return me.to(0).front() != nullptr; }, "a publication");
  Publication publication;
  std::memcpy(&publication, me.to(0).front()->data, sizeof publication);
  me.to(0).pop();
  return publication;
}

TEST(ShmProcesses, LoseNoWakeUp) {
  TransportOptions small;
  small.slots = 1;
  small.ring_lines = 4;
  small.ring_bytes = 256;
  const auto rank = [](Engine& me, Board&) {
    std::mt19937 random(23);
    const int peer = 1 - me.rank();
    for (std::uint32_t i = 0; i < 60'000; ++i) {
      const std::size_t bytes = std::array<std::size_t, 3>{8, 50, 9000}[random() % 3];
      if ((random() % 2 == 0) == (me.rank() == 0)) {
        me.send(peer, 1, i, bytes);
      } else {
        me.receive(peer, 1, i, bytes);
      }
    }
  };
  Processes processes(small, rank, rank);
  EXPECT_EQ(processes.wait(0), 0);
  EXPECT_EQ(processes.wait(1), 0);
}

TEST(ShmProcesses, SeeAKilledPeerAtOnce) {
  Processes processes(
      {},
      [](Engine& me, Board& board) {
        board.flag[0].store(true);
        wait_for_failure(me, 1);
        const std::string& failure = me.to(1).failure();
        require(failure.find("the other process") != std::string::npos,
                "the failure names the peer");
      },
      [](Engine&, Board& board) {
        await([&] { return board.flag[0].load(); }, "rank 0");
        raise(SIGKILL);
      });
  EXPECT_EQ(processes.wait(1), -SIGKILL);
  const auto killed = Clock::now();
  EXPECT_EQ(processes.wait(0), 0);
  const auto noticed = Clock::now() - killed;
  RecordProperty("noticed_after_us", static_cast<int>(noticed / std::chrono::microseconds(1)));
  EXPECT_LT(noticed, std::chrono::seconds(10));
}

TEST(ShmProcesses, AreNotHiddenByAChildThatOutlivesThem) {
  std::array<int, 2> lifeline{};
  ASSERT_EQ(pipe2(lifeline.data(), O_CLOEXEC), 0);
  Processes processes(
      {}, [](Engine& me, Board&) { wait_for_failure(me, 1); },
      [&](Engine&, Board&) {
        ::close(lifeline[1]);
        if (fork() == 0) {
          char byte = 0;
          [[maybe_unused]] const auto got = read(lifeline[0], &byte, 1);  // until the test ends
          _exit(0);
        }
        raise(SIGKILL);
      });
  EXPECT_EQ(processes.wait(1), -SIGKILL);
  EXPECT_EQ(processes.wait(0), 0);
  ::close(lifeline[0]);
  ::close(lifeline[1]);
}

// A rank that is stopped while it is inside a block writes it when it goes on, long after the owner
// has given up and uses the memory for something else.
TEST(ShmProcesses, ThatAreStoppedCannotTouchWithdrawnMemory) {
  constexpr std::size_t bytes = 1 << 20;
  const auto owner = [](Engine& me, Board& board) {
    auto& shared = dynamic_cast<SharedMemory&>(me.transport());
    auto* const data = static_cast<std::byte*>(shared.allocate(bytes));
    std::memset(data, 0x11, bytes);
    publish(me, 0, data, bytes);
    await([&] { return board.flag[0].load(); }, "the peer to be stopped");
    dynamic_cast<Withdrawable&>(me.transport()).withdraw();
    require(data[12345] == std::byte{0x11}, "the contents are kept");
    std::memset(data, 0xaa, bytes);
    board.flag[1].store(true);
    await([&] { return board.flag[2].load(); }, "the late write");
    for (std::size_t i = 0; i < bytes; ++i)
      require(data[i] == std::byte{0xaa}, "nothing was touched");
    publish(me, 1, data, bytes);
    await([&] { return board.flag[3].load(); }, "the peer to be done");
    shared.free(data);
  };
  const auto mover = [](Engine& me, Board& board) {
    Publication published = receive_publication(me);
    std::byte* reached = memory(me, 0).reach(published.location, bytes);
    require(reached != nullptr, "the memory can be reached");
    require(memory(me, 0).reach(published.location, bytes + 4096) == nullptr, "no more of it");
    require(memory(me, 0).enter(published.epoch), "it has not been withdrawn");
    raise(SIGSTOP);
    std::memset(reached, 0xbb, bytes);
    memory(me, 0).leave();
    require(!memory(me, 0).enter(published.epoch), "it has been withdrawn");
    board.flag[2].store(true);
    published = receive_publication(me);
    reached = memory(me, 0).reach(published.location, bytes);
    require(reached != nullptr, "the fresh memory can be reached");
    require(memory(me, 0).enter(published.epoch), "and used");
    require(reached[bytes - 1] == std::byte{0xaa}, "it is the owner's");
    memory(me, 0).leave();
    board.flag[3].store(true);
  };
  Processes processes({}, owner, mover);
  processes.wait_until_stopped(1);
  processes.board().flag[0].store(true);
  await([&] { return processes.board().flag[1].load(); }, "the owner to go on");
  kill(processes.pid(1), SIGCONT);
  EXPECT_EQ(processes.wait(0), 0);
  EXPECT_EQ(processes.wait(1), 0);
}

TEST(ShmProcesses, ReachRegisteredMemoryAndNothingElse) {
  constexpr std::size_t bytes = 3 * 4096;
  const auto owner = [](Engine& me, Board& board) {
    const int fd = memfd_create("users", MFD_CLOEXEC);
    require(ftruncate(fd, 2 * bytes) == 0, "the memory has its length");
    auto* const data =
        static_cast<std::byte*>(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096));
    fill(data, bytes, 3);
    require(!memory(me, 1).publish(data, bytes), "it is not registered");
    auto& shared = dynamic_cast<SharedMemory&>(me.transport());
    shared.add(data + 100, bytes - 100, fd, 4196);
    ::close(fd);
    require(!memory(me, 1).publish(data, bytes), "its first bytes are not registered");
    publish(me, 0, data + 200, 5000);
    await([&] { return board.flag[0].load(); }, "the peer to be done");
    require(data[200] == std::byte{0x5a}, "the peer has written it");
    shared.remove(data + 100);
    require(!memory(me, 1).publish(data + 200, 1), "it is not registered any more");
  };
  const auto mover = [](Engine& me, Board& board) {
    const Publication published = receive_publication(me);
    std::byte* const reached = memory(me, 0).reach(published.location, 5000);
    require(reached != nullptr, "the memory can be reached");
    std::vector<std::byte> wanted(bytes);
    fill(wanted.data(), bytes, 3);
    require(memory(me, 0).enter(published.epoch), "it has not been withdrawn");
    require(std::memcmp(reached, wanted.data() + 200, 5000) == 0, "it is the same memory");
    reached[0] = std::byte{0x5a};
    memory(me, 0).leave();
    require(memory(me, 0).reach({0, published.location.offset}, 1) == nullptr,
            "pointers are private");
    require(memory(me, 0).reach({77, 0}, 1) == nullptr, "there is no such region");
    board.flag[0].store(true);
  };
  Processes processes({}, owner, mover);
  EXPECT_EQ(processes.wait(0), 0);
  EXPECT_EQ(processes.wait(1), 0);
}

TEST(ShmProcesses, ReadOrdinaryMemoryUntilItIsWithdrawn) {
  constexpr std::size_t bytes = 3 * 4096 + 17;
  const auto owner = [](Engine& me, Board& board) {
    std::vector<std::byte> data(bytes);
    fill(data.data(), bytes, 5);
    require(!memory(me, 1).publish(data.data(), bytes), "nobody can map it");
    me.receive(1, 1, 0, 8);
    publish_for_reading(me, 0, data.data());
    publish_for_reading(me, 1, reinterpret_cast<const void*>(16));  // nothing is there
    publish_for_reading(me, 2, data.data());
    await([&] { return board.flag[0].load(); }, "the peer to have read it");
    dynamic_cast<Withdrawable&>(me.transport()).withdraw();
    board.flag[1].store(true);
    await([&] { return board.flag[2].load(); }, "the peer to be done");
  };
  const auto reader = [](Engine& me, Board& board) {
    me.send(0, 1, 0, 8);
    const Publication first = receive_publication(me);
    const Publication nowhere = receive_publication(me);
    const Publication last = receive_publication(me);
    std::vector<std::byte> wanted(bytes);
    std::vector<std::byte> read(bytes);
    fill(wanted.data(), bytes, 5);
    require(memory(me, 0).reach(first.location, bytes) == nullptr, "it is not mapped");
    require(memory(me, 0).enter(first.epoch), "it has not been withdrawn");
    require(memory(me, 0).read(first.location, read.data(), bytes) == done, "it can be read");
    require(memory(me, 0).enter(first.epoch), "nor meanwhile");
    memory(me, 0).leave();
    require(read == wanted, "it is what the owner wrote");
    require(memory(me, 0).read(nowhere.location, read.data(), 8) != done,
            "nothing can be read there");
    require(memory(me, 0).read(last.location, read.data(), 8) == done, "after an error it goes on");
    board.flag[0].store(true);
    await([&] { return board.flag[1].load(); }, "the owner to withdraw it");
    require(!memory(me, 0).enter(last.epoch), "it has been withdrawn");
    board.flag[2].store(true);
  };
  Processes processes({}, owner, reader);
  EXPECT_EQ(processes.wait(0), 0);
  EXPECT_EQ(processes.wait(1), 0);
}

TEST(ShmProcesses, ReadNothingWhereReadingIsSwitchedOff) {
  TransportOptions options;
  options.reads_peers = false;
  const auto rank = [](Engine& me, Board& board) {
    const int peer = 1 - me.rank();
    me.send(peer, 1, 0, 8);
    me.receive(peer, 1, 0, 8);
    require(!memory(me, peer).publish_for_reading(&board, sizeof board), "nobody may read");
    me.send(peer, 1, 1, 8);
    me.receive(peer, 1, 1, 8);
  };
  Processes processes(options, rank, rank);
  EXPECT_EQ(processes.wait(0), 0);
  EXPECT_EQ(processes.wait(1), 0);
}

// All memory that a rank shares is in files without a name, so that nothing can be left behind.
TEST(ShmProcesses, ShareOnlyWhatHasNoName) {
  const auto rank = [](Engine& me, Board& board) {
    dynamic_cast<SharedMemory&>(me.transport()).allocate(4096);
    board.flag[static_cast<std::size_t>(me.rank())].store(true);
    await([&] { return board.flag[7].load(); }, "to be looked at");
  };
  Processes processes({}, rank, rank);
  await([&] { return processes.board().flag[0] && processes.board().flag[1]; }, "both ranks");
  int shared = 0;
  std::ifstream maps("/proc/" + std::to_string(processes.pid(0)) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("-s ") == std::string::npos && line.find(" rw-s ") == std::string::npos) continue;
    const bool is_board = line.find("/dev/zero (deleted)") != std::string::npos;
    EXPECT_TRUE(is_board || line.find("/memfd:motet") != std::string::npos) << line;
    if (!is_board) ++shared;
  }
  EXPECT_EQ(shared, 3) << "its segment, its memory, and the peer's segment";
}

}  // namespace
}  // namespace motet::test
