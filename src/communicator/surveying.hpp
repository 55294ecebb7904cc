// What all ranks see of their machines, put together.
#pragma once

#include "communicator/meeting.hpp"
#include "topology/survey.hpp"

namespace motet {

// Collective over the meeting: every rank gives its own survey, of one seat, and gets that of all,
// the same on every rank. O(log n) calls of the store by each rank. Throws Error{timeout} naming a
// rank that did not come.
Survey survey_of_all(Meeting& meeting, const Survey& mine, const Deadline& deadline);

}  // namespace motet
