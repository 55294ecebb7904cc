#include "communicator/network_speed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "communicator/communicator.hpp"

namespace motet {
namespace {

constexpr std::uint32_t least_bytes = 256 << 10, most_bytes = 1 << 20;
constexpr Seconds long_message(0.004);
// What is faster is not counted: there the processors' work decides.
constexpr Bandwidth slow_below = Bandwidth::gigabytes(0.25);
constexpr Bandwidth certainly_slow = Bandwidth::gigabytes(0.001);
constexpr double suspicious_share = 1.0 / 3;  // of the median

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
      if (bytes > most_bytes) {
        throw Error(ErrorCode::system, fmt::format("rank {} asks rank {} for {} bytes",
                                                   leaders_.right(), leaders_.me(), bytes));
      }
      communicator_.run(message(Collective::send, leaders_.right(), data_.data(), bytes));
    }
  }

  // How fast the one before sends, by a message that takes long. It is repeated until two in a row
  // take as long as each other: windows open, a processor may have been busy, and shapers let the
  // first bytes pass.
  Bandwidth measure() {
    const Seconds of_nothing = std::min(receive(1), receive(1));
    std::uint32_t bytes = least_bytes;
    Seconds before{};
    Seconds time{};
    for (int i = 0; i < most_messages; ++i) {
      time = std::max(receive(bytes) - of_nothing, shortest);
      const bool agrees = time > before * alike && before > time * alike;
      if (time < long_message) {
        if (bytes == most_bytes) break;
        bytes = most_bytes;
        before = {};
      } else if (agrees) {
        break;
      } else {
        before = time;
      }
    }
    ask_for(0);
    return {bytes / time.count()};
  }

  // The same, should one of both processors have been busy with something else: by what the fastest
  // of some messages takes more than the slowest of as many of nothing. Two before them, the first
  // of them long, take what shapers let pass.
  Bandwidth measure_again() {
    constexpr int count = 10;
    receive(most_bytes);
    receive(least_bytes);
    Seconds least = Seconds::max();
    Seconds of_nothing{};
    for (int i = 0; i < count; ++i) {
      least = std::min(least, receive(least_bytes));
      of_nothing = std::max(of_nothing, receive(1));
    }
    ask_for(0);
    return {least_bytes / std::max(least - of_nothing, shortest).count()};
  }

 private:
  static constexpr int most_messages = 8;
  static constexpr double alike = 0.75;
  static constexpr Seconds shortest{1e-6};  // that differences of times can be trusted with

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

// What this rank has found; nothing where it does not lead a node. The ring of nodes falls into
// stretches of so many: in each the first node serves the second, then that one the third, and so
// on, so that few of the nodes that share a machine work at the same time.
Bandwidth found_here(Communicator& communicator, int nodes_sharing) {
  constexpr int longest_stretch = 8;
  if (communicator.topology().local_rank(communicator.rank()) != 0) return {};
  const Group leaders = communicator.topology().rail(communicator.rank());
  Leader leader(communicator, leaders);
  const bool is_first = leaders.index() % std::clamp(nodes_sharing, 2, longest_stretch) == 0;
  if (is_first) leader.serve();
  const Bandwidth found = leader.measure();
  if (!is_first) leader.serve();
  return found;
}

// By node.
std::vector<Bandwidth> found_by_all(Communicator& communicator, Bandwidth mine) {
  std::vector<Bandwidth> all(static_cast<std::size_t>(communicator.world_size()));
  communicator.run({.collective = Collective::allgather,
                    .type = DataType::uint8,
                    .input = &mine,
                    .output = all.data(),
                    .count = sizeof mine});
  std::erase(all, Bandwidth{});
  return all;
}

bool is_suspicious(Bandwidth found, Bandwidth usual) {
  return found < slow_below && found.bytes_per_second < usual.bytes_per_second * suspicious_share;
}

// Nodes that seem slow are measured again, neighbours one after another, and named if they seem so
// still. Where that would take seconds, because they are very slow, they are named at once.
void name_slow(Communicator& communicator, const Job& job, const std::vector<Bandwidth>& found,
               Bandwidth usual) {
  if (job.topology.local_rank(job.rank) != 0) return;
  const Group leaders = job.topology.rail(job.rank);
  const auto host_of = [&](Rank rank) { return job.hosts[static_cast<std::size_t>(rank)]; };
  MOTET_ASSERT(leaders.size() == static_cast<int>(found.size()),
               "every leader has found something");
  for (int node = 0; node < leaders.size(); ++node) {
    const Rank slow = leaders.at(node);
    const Rank left = leaders.at(node - 1);
    const Bandwidth first = found[static_cast<std::size_t>(node)];
    const bool no_nic_between = host_of(left) == host_of(slow);
    if (no_nic_between || !is_suspicious(first, usual)) continue;
    const bool is_certain = first < certainly_slow;
    if (left == job.rank && !is_certain) Leader(communicator, leaders).serve();
    if (slow != job.rank) continue;
    const Bandwidth speed = is_certain ? first : Leader(communicator, leaders).measure_again();
    if (!is_suspicious(speed, usual)) continue;
    log(LogLevel::warning,
        fmt::format(
            "rank={} event=slow_network peer=\"rank {} on host {}\" receives=\"{:.3g} GB/s\" "
            "median=\"{:.3g} GB/s\" hint=\"the NIC of that host or of host {}, or what joins "
            "them; a host of which two such lines speak is slow itself\"",
            slow, left, host_of(left), speed.gigabytes_per_second(), usual.gigabytes_per_second(),
            host_of(slow)));
  }
}

std::optional<Bandwidth> measured(Communicator& communicator, const Job& job) {
  const std::vector<Bandwidth> found =
      found_by_all(communicator, found_here(communicator, job.nodes_sharing));
  std::vector<Bandwidth> ascending = found;
  std::ranges::sort(ascending);
  name_slow(communicator, job, found, ascending[ascending.size() / 2]);
  const Bandwidth median = ascending[(ascending.size() - 1) / 2];  // the lower of two
  if (job.rank == 0) {
    log(LogLevel::info,
        fmt::format("rank=0 event=measured_network nodes={} median=\"{:.3g} GB/s\" counts={}",
                    found.size(), median.gigabytes_per_second(), median < slow_below));
  }
  return median < slow_below ? std::optional(median) : std::nullopt;
}

}  // namespace

void measure_network(const std::shared_ptr<Job>& job, const Options& options,
                     const Deadline& deadline) {
  const bool is_known = job->fabric.has_value() || job->tuning.model.nic.has_value();
  if (job->topology.node_count() == 1 || is_known) return;
  Options hurried = options;
  hurried.timeout_ms = static_cast<int>(std::max<std::int64_t>(1, deadline.left().count()));
  // By a communicator of its own, since users count the calls of theirs. The turn outlasts it.
  std::unique_ptr<Turn> turn = std::move(job->turn);
  try {
    {
      Communicator trial(job, hurried);
      job->nic = measured(trial, *job);
    }
    job->communicator_id = turn->take_another();
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("rank {}: joining: measuring the network: {}", job->rank,
                                          error.what()));
  }
  job->turn = std::move(turn);
}

}  // namespace motet
