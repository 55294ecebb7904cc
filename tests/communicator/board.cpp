#include "board.hpp"

#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace motet::testing {

bool comes_true(const std::function<bool()>& fact, int timeout_ms) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (!fact()) {
    if (std::chrono::steady_clock::now() > end) return false;
    poll(nullptr, 0, 1);
  }
  return true;
}

void Board::await(std::size_t mark, int times) {
  if (comes_true([&] { return reached.at(mark) >= times; })) return;
  std::printf("mark %zu was not reached %d times\n", mark, times);
  std::fflush(stdout);
  _exit(9);
}

void Board::meet(int processes) {
  reach(reached.size() - 1);
  await(reached.size() - 1, processes);
}

Board& board() {
  static void* const memory = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED,
                                   std::stoi(std::getenv("SCENARIO_BOARD")), 0);
  if (memory == MAP_FAILED) std::abort();
  return *static_cast<Board*>(memory);
}

int create_board() {
  const int memfd = memfd_create("board", 0);  // ranks inherit it
  if (memfd < 0 || ftruncate(memfd, sizeof(Board)) != 0) std::abort();
  return memfd;
}

}  // namespace motet::testing
