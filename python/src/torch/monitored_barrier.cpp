// The barrier that names who is missing. It goes through the store alone, so that it also works
// where the ranks cannot reach one another any more.
#include <c10/util/Exception.h>

#include <string>

#include "backend.hpp"
#include "store.hpp"

namespace motet::torch {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr const char* passed = "passed";

std::string ranks_text(const std::vector<int>& ranks) {
  std::string text = ranks.size() == 1 ? "Rank " : "Ranks ";
  for (const int rank : ranks) text += c10::str(rank == ranks.front() ? "" : ", ", rank);
  return text;
}

}  // namespace

void Backend::monitoredBarrier(const c10d::BarrierOptions& options, bool wait_all_ranks) {
  const milliseconds timeout =
      options.timeout == c10d::kUnsetTimeout ? options_->timeout : options.timeout;
  const std::string name = c10::str(group_, "/monitored/", monitored_barriers_++, "/");
  if (getRank() != 0) {
    store_->set(name + std::to_string(getRank()), "here");
    // Rank 0 may use up all of its time before it says what it has found.
    const bool heard = comes(*store_, name + "verdict", 2 * timeout);
    TORCH_CHECK(heard && store_->get_to_str(name + "verdict") == passed, "Rank ", getRank(),
                " successfully reached monitoredBarrier, but received errors while waiting for "
                "send/recv from rank 0: rank 0 says who is missing");
    return;
  }
  TORCH_CHECK(timeout.count() > 0, "Rank 0 timed out in monitoredBarrier after ", timeout.count(),
              " ms");
  const auto end = Clock::now() + timeout;
  std::vector<int> missing;
  for (int rank = 1; rank < getSize() && (missing.empty() || wait_all_ranks); ++rank) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
    if (!comes(*store_, name + std::to_string(rank), left)) missing.push_back(rank);
  }
  store_->set(name + "verdict", missing.empty() ? passed : "failed");
  TORCH_CHECK(missing.empty(), "[Rank 0]: ", ranks_text(missing),
              " failed to pass monitoredBarrier in ", timeout.count(), " ms");
}

}  // namespace motet::torch
