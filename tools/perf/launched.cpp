#include "launched.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace motet_perf {
namespace {

struct Launcher {
  const char* rank;
  const char* world_size;
};
constexpr std::array launchers{
    Launcher{"RANK", "WORLD_SIZE"}, Launcher{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
    Launcher{"PMI_RANK", "PMI_SIZE"}, Launcher{"SLURM_PROCID", "SLURM_NTASKS"}};

int world_size_from(const Launcher& launcher) {
  const char* text = std::getenv(launcher.world_size);
  if (text == nullptr)
    throw std::invalid_argument(fmt::format("the environment has {} but no {}: set both or neither",
                                            launcher.rank, launcher.world_size));
  const std::string_view word(text);
  int ranks = 0;
  const auto [rest, failure] = std::from_chars(word.data(), word.data() + word.size(), ranks);
  if (failure != std::errc{} || rest != word.data() + word.size() || ranks < 1)
    throw std::invalid_argument(
        fmt::format("the environment's {}={} is no number of ranks", launcher.world_size, word));
  return ranks;
}

}  // namespace

int launched_ranks() {
  for (const Launcher& launcher : launchers)
    if (std::getenv(launcher.rank) != nullptr) return world_size_from(launcher);
  // The others' are there without a rank where nothing was launched, such as in salloc's shell.
  if (std::getenv("WORLD_SIZE") != nullptr)
    throw std::invalid_argument(
        "the environment has WORLD_SIZE but no RANK: set both, or neither and give --ranks");
  return 0;
}

}  // namespace motet_perf
