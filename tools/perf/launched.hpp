// What mpirun, srun or torchrun have said about the ranks they started.
#pragma once

namespace motet_perf {

// How many ranks there are, or 0 if no launcher started this process. Follows the variables and the
// order of src/base/options.cpp, which the library itself goes by; its reader cannot be used beside
// the library, for it takes the secret out of the environment. Throws std::invalid_argument for
// what makes no sense, such as WORLD_SIZE without RANK.
int launched_ranks();

}  // namespace motet_perf
