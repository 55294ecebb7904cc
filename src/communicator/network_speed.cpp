#include "communicator/network_speed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "communicator/communicator.hpp"

namespace motet {
namespace {

constexpr std::uint32_t least_bytes = 256 << 10, most_bytes = 1 << 20;
constexpr Seconds enough(0.004);  // to tell bytes from what else a message costs
// From here on what takes time is what the processors do.
constexpr Bandwidth fast = Bandwidth::gigabytes(0.25);
constexpr double suspicious = 1.0 / 3;  // of what is usual

// The first rank of a node, between those of the node before and the node after.
class Leader {
 public:
  Leader(Communicator& communicator, const Group& leaders)
      : communicator_(communicator), leaders_(leaders), data_(most_bytes) {}

  // Sends as much as the next one asks for, until that is nothing.
  void serve() {
    for (;;) {
      std::uint32_t bytes = 0;
      communicator_.run(message(Collective::recv, leaders_.right(), &bytes, sizeof bytes));
      if (bytes == 0) return;
      communicator_.run(message(Collective::send, leaders_.right(), data_.data(), bytes));
    }
  }

  // How fast the one before sends: longer and longer messages until one takes long, and again, for
  // once may be chance, or faster than the rest because shapers let the first bytes pass.
  Bandwidth measure() {
    Bandwidth latest;
    int slow = 0;
    for (std::uint32_t bytes = least_bytes; bytes <= most_bytes && slow < 2;) {
      const Seconds time = receive(bytes);
      latest = Bandwidth{bytes / time.count()};
      time < enough ? bytes *= 4 : ++slow;
    }
    ask_for(0);
    return latest;
  }

 private:
  Seconds receive(std::uint32_t bytes) {
    const auto begin = Clock::now();
    const auto coming =
        communicator_.start(message(Collective::recv, leaders_.left(), data_.data(), bytes));
    ask_for(bytes);
    coming->wait();
    return Clock::now() - begin;
  }
  void ask_for(std::uint32_t bytes) {
    communicator_.run(message(Collective::send, leaders_.left(), &bytes, sizeof bytes));
  }
  static Arguments message(Collective collective, Rank peer, void* data, std::size_t bytes) {
    const bool sends = collective == Collective::send;
    return {.collective = collective,
            .type = DataType::uint8,
            .root = peer,
            .input = sends ? data : nullptr,
            .output = sends ? nullptr : data,
            .count = bytes};
  }

  Communicator& communicator_;
  const Group& leaders_;
  std::vector<std::byte> data_;
};

// What this rank has found; nothing where it does not speak for a node. Every so many nodes one
// begins to send and the others follow: those of one machine do not work at the same time.
Bandwidth found_by(Communicator& communicator, const Group& leaders, int turns) {
  if (communicator.topology().local_rank(communicator.rank()) != 0) return {};
  Leader leader(communicator, leaders);
  const bool begins = leaders.index() % turns == 0;
  if (begins) leader.serve();
  const Bandwidth found = leader.measure();
  if (!begins) leader.serve();
  return found;
}

std::optional<Bandwidth> slow_network(Communicator& communicator, int nodes_sharing) {
  constexpr int most_turns = 8;
  const Group leaders = communicator.topology().rail(communicator.rank());
  const Bandwidth mine = found_by(communicator, leaders, std::clamp(nodes_sharing, 2, most_turns));
  std::vector<Bandwidth> all(static_cast<std::size_t>(communicator.world_size()));
  communicator.run({.collective = Collective::allgather,
                    .type = DataType::uint8,
                    .input = &mine,
                    .output = all.data(),
                    .count = sizeof mine});
  std::erase(all, Bandwidth{});
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::ranges::nth_element(all, middle);
  const Bandwidth usual = *middle;
  const bool is_slow = mine < fast && mine.bytes_per_second < usual.bytes_per_second * suspicious;
  if (mine > Bandwidth{} && is_slow) {
    log(LogLevel::warning,
        fmt::format(
            "rank={} event=slow_network peer={} receives=\"{:.3g} GB/s\" others=\"{:.3g} GB/s\"",
            communicator.rank(), leaders.left(), mine.gigabytes_per_second(),
            usual.gigabytes_per_second()));
  }
  return usual < fast ? std::optional(usual) : std::nullopt;
}

}  // namespace

void measure_network(const std::shared_ptr<Job>& job, const Options& options) {
  const bool is_known = job->fabric.has_value() || job->tuning.model.nic.has_value();
  if (job->topology.node_count() == 1 || is_known) return;
  // By a communicator of its own: users count the calls of theirs.
  std::unique_ptr<Turn> turn = std::move(job->turn);
  {
    Communicator trial(job, options);
    job->nic = slow_network(trial, job->nodes_sharing);
  }
  job->communicator_id = turn->take_another();
  job->turn = std::move(turn);
}

}  // namespace motet
