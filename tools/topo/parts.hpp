// A machine as a tree of what holds what, for whoever prints or draws it.
#pragma once

#include <string>
#include <vector>

#include "topology/survey.hpp"

namespace motet_topo {

enum class PartKind { machine, package, numa_node, pci_switch, nic, accelerator };

struct Part {
  PartKind kind = PartKind::machine;
  std::string name;                  // "cuda0", "NUMA node 1"
  std::vector<std::string> details;  // short, the most telling first
  std::vector<motet::Rank> ranks;    // that are bound here and to nothing smaller
  int index = -1;                    // of a NIC or accelerator, in its list
  std::vector<Part> children;
};

// The machine at `index` of the survey and the ranks that run on it.
Part part_tree(const motet::Survey& survey, int index);

// "252 GiB", "400 Gb/s".
std::string bytes_text(std::uint64_t bytes);
std::string gigabits_text(double gigabits);
// "0-3, 8"; of many runs the first four and how many ranks there are.
std::string ranks_text(const std::vector<motet::Rank>& ranks);

// "2 packages, 1 NUMA node, ..."
std::string counts_text(const motet::Hardware& hardware);
// "a rank may run on 2 of 64 CPUs"; "" where ranks may use all of the machine.
std::string allowed_text(const motet::Survey& survey, int machine);
// A sentence for each kind of cache.
std::vector<std::string> cache_texts(const motet::Hardware& hardware);
// "alpha, beta and 5 more", in the order of ranks.
std::string hosts_of(const motet::Survey& survey, int machine);

}  // namespace motet_topo
