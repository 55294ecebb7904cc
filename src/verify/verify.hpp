// Proves that the schedules of all ranks together do what the collective promises, in every order
// in which they could run: messages match, nothing can hang, every conflicting pair of steps is
// ordered, the result is right.
#pragma once

#include <string>
#include <vector>

#include "schedule/problem.hpp"
#include "schedule/schedule.hpp"

namespace motet {

// `schedules[r]` is rank r's. Returns "" or what is wrong, naming rank and step, with the
// first offending step printed. Checks:
//  matching    k-th send on (from, to, channel) meets the k-th receive: same count, same mover
//  bounds      slices lie in their buffers; input is read only, unless it is the result
//              (in-place reduce_scatter)
//  races       every two steps of a rank that conflict are ordered by dependencies
//  deadlock    none, for any number of blocks, with one block of buffer per (peer, channel) for
//              messages moved by `either` and none for the others: in the graph of steps
//              (dependencies; order within a (peer, channel); both ends of a message tied both
//              ways) no whole dependency lies on a cycle
//  result      symbols instead of numbers: each contribution exactly once, at the right element
//  agreement   allreduce: all ranks combine in equal trees up to swapped operands; operands in
//              rank order if the problem is not commutative
std::string verify(const Problem& problem, const std::vector<Schedule>& schedules);

// The same where lengths are known to the ends alone: problems[r] is rank r's. Checks also
//  lengths     what every rank sends, its receiver expects, and nothing else differs
std::string verify(const std::vector<Problem>& problems, const std::vector<Schedule>& schedules);

}  // namespace motet
