// How results are printed: a table for people, JSON lines for programs.
#pragma once

#include <cstdio>
#include <memory>
#include <span>

#include "sim/search.hpp"
#include "topology/flow/bound.hpp"

namespace motet_sim {

class Report {
 public:
  virtual ~Report() = default;
  // What was found for one size, fastest first.
  virtual void add(std::size_t bytes, std::span<const Candidate> found) = 0;
};

// Writes to `file`. It and the others must outlive the report.
std::unique_ptr<Report> make_report(const Options& options, const motet::Fabric& fabric,
                                    const motet::Bound& bound, std::FILE* file);

// "ib: rank 3 to ib switch 1 of world"
std::string link_text(const motet::Fabric& fabric, int link);

}  // namespace motet_sim
