// Where a View comes from: this process alone, a file, or all ranks of a job.
#pragma once

#include <optional>
#include <string>

#include "communicator/meeting.hpp"
#include "communicator/reach.hpp"
#include "view.hpp"

namespace motet_topo {

// This machine, or the one that HWLOC_XMLFILE names, with this process for its only rank.
View look_here();

// A file that --save or --xml wrote, or any of hwloc's XML. Ranks on hosts of equal names are taken
// to share a node. `ranks` (0: those of the file) are dealt over the allowed CPUs of its first
// machine instead. Throws motet::Error naming line, column and what was expected.
View load(const std::string& file, int ranks);

// Collective: what all ranks see. Only rank 0 needs it.
View look_together(motet::Meeting meeting);

// Collective: who reaches whom. Only rank 0 needs it.
motet::Reach probe_together(motet::Meeting& meeting);

}  // namespace motet_topo
