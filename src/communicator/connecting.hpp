// How the ranks of a job come to be linked.
#pragma once

#include <string>
#include <vector>

#include "communicator/card.hpp"
#include "communicator/meeting.hpp"

namespace motet {

// Collective over the meeting. Links this rank to every other one, by the best transport that works
// both ways; links of earlier communicators serve again. By rank; null for this one. Throws Error
// that names who cannot be reached, alike on every rank.
std::vector<PeerLink*> connect_all(Meeting& meeting, Engine& engine, const std::vector<Card>& cards,
                                   const Deadline& deadline);

// Collective over the meeting: one character of each rank for each rank.
std::vector<std::string> exchange_row(Meeting& meeting, const std::string& what,
                                      const std::string& mine, const Deadline& deadline);

}  // namespace motet
