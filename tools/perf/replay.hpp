// The calls of one step of training, as a file lists them for --replay:
//
//   allreduce float32 sum 2049000   # collective, type, op of those that reduce, elements
//   allgather bfloat16 12582912     # of all ranks' parts together, as frameworks shard tensors
//   wait                            # for all that has begun; at the end nobody need say it
//
// Each call begins at once, after the one before has begun. Empty lines, and all after a #, say
// nothing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "vocabulary.hpp"

namespace motet_perf {

struct ReplayedCall {
  CollectiveRow collective;
  TypeRow type;
  OpRow op;
  std::size_t elements;  // as the file counts
  bool wait_after = false;
};

// `name` is the file's in what it throws: std::invalid_argument, with the line and what is wrong.
std::vector<ReplayedCall> parse_replay(const std::string& text, std::string_view name);
// The same. Throws std::invalid_argument as well where there is no such file.
std::vector<ReplayedCall> read_replay(const std::string& path);

// As motet.h counts: each rank's part is rounded up, as where frameworks pad what they shard.
std::size_t count_of(const ReplayedCall& call, int ranks);

}  // namespace motet_perf
