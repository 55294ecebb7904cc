// Who reaches whom by what, for operators: every transport, NIC and address is tried, also those
// that a job would not use.
#pragma once

#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "base/options.hpp"
#include "communicator/choosing.hpp"
#include "communicator/meeting.hpp"

namespace motet {

struct Reach {
  struct Path {
    Way way = Way::absent;
    // By which way it works ("10.0.0.7:4711", or ""), else why not.
    std::string detail;
  };
  std::vector<std::string> ranks;                     // "rank 3 on host b"
  std::vector<std::string> transports;                // best first
  std::vector<std::string> missing;                   // "ucx: rank 3 on host b: not found"
  std::vector<std::vector<std::vector<Path>>> paths;  // [from][to][transport]
  // What a job would do; network: "" if each pair would have its own.
  std::string network;
  bool joined = true;  // every pair by something

  bool works(std::size_t one, std::size_t other, std::size_t transport) const {
    return paths[one][other][transport].way == Way::works &&
           paths[other][one][transport].way == Way::works;
  }
};

// Collective over the meeting; nothing stays connected. Throws Error as joining does, but not
// because some cannot reach others.
Reach reach_of_all(Meeting& meeting, const Options& options, const Deadline& deadline);

}  // namespace motet
