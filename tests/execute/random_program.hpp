// Programs of collectives, sends and receives on several communicators, made from a seed: every
// rank makes the same one and runs its own part of it.
//
// A program is a list of phases. Each rank starts its calls of a phase in an order of its own,
// except that those of one communicator (point to point: of one pair and direction) keep theirs;
// only then does it wait, for some of what is outstanding, in an order of its own. So there is
// always a call that everybody in it has started, and a program that hangs is the executor's fault.
#pragma once

#include <cstdint>
#include <vector>

#include "ranks.hpp"

namespace motet::test {

struct RandomCall {
  int communicator = 0;
  Ask ask;                  // send, recv: as the sender sees it
  Rank from = -1, to = -1;  // ranks of the communicator; of a message
  std::uint64_t data_seed = 0;
};

struct RandomProgram {
  std::uint64_t seed = 0;
  std::vector<std::vector<Rank>> communicators;  // members; the first holds everybody
  std::vector<std::vector<RandomCall>> phases;
};

RandomProgram make_random_program(std::uint64_t seed, int ranks);

// This rank's part, each communicator having an id of `first_id` and up. Throws std::runtime_error
// that names the seed if anything is wrong, hangs or is left over.
void run_program(const RandomProgram& program, RankEngine& rank, std::uint32_t first_id);

}  // namespace motet::test
