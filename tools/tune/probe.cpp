#include "probe.hpp"

#include <span>

#include "candidates.hpp"
#include "measure.hpp"

namespace motet_tune {

namespace {

using motet_perf::CollectiveRow;
using motet_perf::Kind;

class Prober {
 public:
  Prober(motet::Communicator& comm, const Probe& probe)
      : comm_(comm), probe_(probe), bench_(comm, probe.largest) {}

  std::vector<Row> all() {
    for (const CollectiveRow& row : motet_perf::collectives()) {
      if (row.kind == Kind::sendrecv || row.uneven) continue;
      if (row.kind == Kind::barrier) {
        one(row, 0);
        continue;
      }
      for (std::size_t bytes = probe_.smallest; bytes <= probe_.largest; bytes *= probe_.factor) {
        one(row, bytes);
      }
    }
    return std::move(rows_);
  }

 private:
  void one(const CollectiveRow& row, std::size_t bytes) {
    const Cell cell = bench_.measure(row, bytes, probe_.rounds, probe_.sample_ms);
    const int ranks = comm_.size();
    // The first two are the planner's choice, measured twice.
    for (const Candidate& candidate : std::span(cell.candidates).subspan(1)) {
      rows_.push_back({std::string(row.name), candidate.name, cell.shape.count, ranks,
                       comm_.transport(comm_.rank() == 0 ? ranks - 1 : 0),
                       motet_perf::percentile(candidate.times_us, 0.5)});
    }
  }

  motet::Communicator& comm_;
  const Probe& probe_;
  Bench bench_;
  std::vector<Row> rows_;
};

}  // namespace

std::vector<Row> run(motet::Communicator& comm, const Probe& probe) {
  return Prober(comm, probe).all();
}

}  // namespace motet_tune
