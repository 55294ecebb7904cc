// Tries how fast nodes reach one another when a job begins.
#pragma once

#include <memory>

#include "communicator/job.hpp"

namespace motet {

// Finds job->nic, unless there is one node or rank 0 was told: how fast a node sends to the next
// one, the median over nodes, where that is so slow that more than the processors' work counts.
// Collective, between joining and the first communicator. A node takes some milliseconds, or as
// long as two or three messages of up to 1 MiB that take longer than 4 ms each; those that share a
// machine take turns. Warns of a node that receives much more slowly than others. Throws Error as
// calls do.
void measure_network(const std::shared_ptr<Job>& job, const Options& options);

}  // namespace motet
