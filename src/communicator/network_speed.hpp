// Tries how fast nodes reach one another when a job begins.
#pragma once

#include <memory>

#include "base/deadline.hpp"
#include "communicator/job.hpp"

namespace motet {

// Finds job->nic: the median over nodes of how fast each receives from the one before it. Does
// nothing where there is one node, or where a fabric or the tuning says it. Collective, between
// joining and making the communicator, whose id becomes another one. A node takes some
// milliseconds, on a slow network as long as two or three messages of up to 1 MiB; those that share
// a machine mostly take turns. Warns of a node that receives much more slowly than the others,
// after it has been measured again, which takes some messages more. Throws Error that says what it
// was at.
void measure_network(const std::shared_ptr<Job>& job, const Options& options,
                     const Deadline& deadline);

}  // namespace motet
