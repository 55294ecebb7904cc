// What has been measured of a machine, and what a user prefers there: text that motet-tune writes
// and people edit. All ranks of a job go by rank 0's.
//
//   machine 5a1c0de3            # whose it is; without this line: anybody's
//   latency shared_memory 0.15 us
//   message shared_memory 0 B 0.05 us, 1 KiB 0.13 us, 64 KiB 5 us
//   crowded shared_memory 0.3 us
//   copy    0 B 0 us, 1 KiB 0.08 us, 64 KiB 5 us
//   reduce  0 B 0 us, 1 KiB 0.08 us, 64 KiB 5.2 us
//   type    bfloat16 2.5        # reduces so many times as slowly as float32
//   switch  2 us
//   nic     2.5 GB/s            # what a node sends to others at most, and receives
//   # collective nodes x local, by what within nodes, bytes, algorithm, parameters
//   use allreduce 8 x 8 shared_memory 64 KiB to 1 MiB hierarchical channels=4
//   measured allreduce 1 x 4 shared_memory 16384 B two_shot 12.9 us
//
// `message` is what a message costs the processor at each end, `crowded` what each of its blocks
// costs in addition where ranks share cores, `latency` what passes between; all for shared_memory
// and network. A line left out is as in CostModel::typical(); without one for `nic`, a slow network
// is found out when a job begins. Times are those of docs/planner.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "planner/cost.hpp"

namespace motet {

// Which calls a line speaks of: those on nodes that have `local` ranks each, of so many bytes.
struct Where {
  Collective collective{};
  int nodes = 1, local = 1;
  TransportClass within_nodes = TransportClass::shared_memory;
  double least_bytes = 0, most_bytes = 0;  // of the whole vector, both included

  bool covers(const Problem& problem, const Machine& machine) const;
  bool operator==(const Where&) const = default;
};

// The user's or a measurement's word, which beats the model.
struct Preference {
  Where where;
  std::string algorithm;
  std::optional<Params> params;  // nothing: the planner's own

  bool operator==(const Preference&) const = default;
};

struct Measured {
  Where where;  // least_bytes == most_bytes
  std::string algorithm;
  Seconds time{};

  bool operator==(const Measured&) const = default;
};

struct Tuning {
  std::string machine;  // "": any
  CostModel model = CostModel::typical();
  std::vector<Preference> preferences;  // the last that covers a call counts
  std::vector<Measured> measured;

  // Throws Error{invalid_argument} naming line, column and what was expected.
  static Tuning from_text(std::string_view text);
  std::string to_text() const;
  bool operator==(const Tuning&) const = default;
};

}  // namespace motet
