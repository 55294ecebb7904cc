// What is said when ranks cannot use the transports that they wanted.
#pragma once

#include <string>
#include <vector>

#include "communicator/probing.hpp"

namespace motet {

// Collective over the meeting, which gives up or goes on alike on every rank: the ends of each pair
// tell all why. One sentence for each obstacle: "ucx: rank 1 on host a: no answer; rank 3 on host
// b: libucp.so.0 was not found".
std::vector<std::string> reasons_for(Meeting& meeting, const Probing& probing,
                                     const std::vector<Obstacle>& obstacles,
                                     const Deadline& deadline);

// The transports that are wanted and that no rank has: "ucx: rank 0 on host a: libucp.so.0 was not
// found".
std::vector<std::string> missing_everywhere(const std::vector<Card>& cards, const Offers& offers);

// The line for the log; `used`: the network instead, "" if each pair has its own.
std::string losses_line(const std::vector<std::string>& reasons, const std::string& used);

}  // namespace motet
