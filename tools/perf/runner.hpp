// What every rank does: all rows of collectives, types, ops and sizes, in the same order.
#pragma once

#include <motet/motet.hpp>

#include "options.hpp"

namespace motet_perf {

// As a process that the launcher has started: gives (rank 0) or takes the id. Throws motet::Error
// or std::runtime_error.
motet_unique_id exchange_id(const Launch& launch);

// Meets the other ranks as the options say. Throws motet::Error.
motet::Communicator join(const motet_unique_id* id, int rank, const Options& options);

// Rank 0 prints to stdout. Collective over comm; returns whether every checked result was right,
// the same on all ranks. Throws motet::Error, or std::invalid_argument where nothing asked for
// exists.
bool run(motet::Communicator& comm, const Options& options);

}  // namespace motet_perf
