// Runs schedules block by block in random order, every (peer, channel) with a buffer of one block:
// an oracle for the proof that nothing hangs.
#pragma once

#include <random>
#include <vector>

#include "schedule/schedule.hpp"

namespace motet {

// Whether all steps come to their end when each is cut into `b` blocks. Messages must match.
bool replay_ends(const std::vector<Schedule>& schedules, int b, std::mt19937& random);

}  // namespace motet
