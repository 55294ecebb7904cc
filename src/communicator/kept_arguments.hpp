// Arguments of a call that is made later: what they point to, but for the buffers, is the caller's
// only until the function returns.
#pragma once

#include <cstddef>
#include <vector>

#include "communicator/arguments.hpp"

namespace motet {

class KeptArguments {
 public:
  // They have been checked.
  KeptArguments(const Arguments& arguments, Rank me, int world_size);

  // They point into this, and are valid as long as it stays where it is.
  Arguments get() const;

 private:
  Arguments arguments_;
  OpDetails details_;
  std::vector<std::size_t> counts_, received_counts_;
};

}  // namespace motet
