// What motet-topo shows, gathered before anything is printed.
#pragma once

#include <map>
#include <string>

#include "planner/tuning.hpp"
#include "topology/survey.hpp"
#include "topology/topology.hpp"

namespace motet_topo {

struct View {
  motet::Survey survey;
  motet::Topology topology = motet::Topology::single_node(1);
  motet::Machine machine;  // these two are for the planner
  motet::Tuning tuning;
  std::string nodes_are;                  // how it is known which ranks share a node
  std::map<std::string, int> transports;  // from rank 0: how many peers by which
};

}  // namespace motet_topo
