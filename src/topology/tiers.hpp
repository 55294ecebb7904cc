// The tiers of a job: nodes are found out by attaching memory, those inside a node come from where
// ranks are bound, those above from a file of the user's (MOTET_TOPOLOGY), in one of two forms.
//
// By rank, a topology's own text (topology.hpp); its nodes are not read, since they are found out:
//
//   rank 0: node 0, pod 0
//   rank 1: node 1, pod 0
//
// By host, innermost tier first. The first line that fits a host counts; * and ? stand for any
// characters or one, [8-15] for a number, a comma for "or":
//
//   hosts name=gpu[0-15] switch=leaf0 pod=a
//   hosts name=gpu*,spare? switch=leaf1 pod=a
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "topology/survey.hpp"
#include "topology/topology.hpp"

namespace motet {

// Any labels by rank; innermost first.
struct UserTiers {
  std::vector<Tier> inside_nodes, above_nodes;
};

// For ranks on these hosts. Throws Error{invalid_argument} naming line, column and what was
// expected, or the host that no line fits.
UserTiers read_user_tiers(std::string_view text, const std::vector<std::string>& host_of);

// NUMA node and package, where every rank is bound to one and they tell ranks of a node apart.
std::vector<Tier> tiers_inside_nodes(const std::vector<int>& node_of,
                                     const std::vector<Seat>& seats);

// What the user says of tiers inside nodes counts instead of where ranks are bound. Throws
// Error{invalid_argument} if a tier of the user's divides a node.
Topology assemble(const std::vector<int>& node_of, const std::vector<Seat>& seats,
                  const UserTiers& user);

// Whether a host has a name that the pattern describes.
bool matches(std::string_view pattern, std::string_view host);

}  // namespace motet
