// What the ranks of a job see of the machines they run on. Equal machines are kept once. One rank's
// own view is a survey with one seat; merging all of them in rank order is everybody's. A value
// with a text form that parses back, a record a line (docs/topology.md):
//
//   machine product="Example 8000"
//   package id=0 cpus=0-31 cores=32 model="Example 32-core"
//   numa id=0 package=0 cpus=0-31 bytes=540000000000
//   nic name=mlx5_0 kind=infiniband address=0000:18:00.0 package=0 gigabits=400 ports=mlx5_0:1
//   rank machine=0 host=alpha cpus=0-3 package=0 numa=0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "topology/hardware.hpp"
#include "topology/topology.hpp"

namespace motet {

// Where one rank runs.
struct Seat {
  int machine = -1;  // index into Survey::machines
  std::string host;
  CpuSet cpus;       // that it may run on, by cgroup and affinity
  int package = -1;  // the one that holds all of them; -1: they span several
  int numa = -1;
  int quota_cores = 0;  // how many its cgroup lets it use at a time; 0: all of them

  bool operator==(const Seat&) const = default;
};

struct Survey {
  std::vector<Hardware> machines;
  std::vector<Seat> seats;  // by rank

  // Throws Error{invalid_argument} naming line, column and what was expected.
  static Survey from_text(std::string_view text);
  std::string to_text() const;

  // The machine that this rank runs on.
  const Hardware& machine_of(Rank rank) const;

  bool operator==(const Survey&) const = default;
};

// The ranks of `later` follow those of `first`.
Survey merged(Survey first, const Survey& later);

// The seat of a rank that may run on `cpus` of this machine: package and NUMA node are those that
// hold all of them.
Seat seat_on(const Hardware& hardware, const CpuSet& cpus);

}  // namespace motet
