#include "probe.hpp"

#include <span>

#include "candidates.hpp"
#include "measure.hpp"
#include "pattern.hpp"

namespace motet_tune {

namespace {

using motet_perf::CollectiveRow;
using motet_perf::Kind;

class Prober {
 public:
  Prober(motet::Communicator& comm, const Probe& probe)
      : comm_(comm),
        probe_(probe),
        first_(motet_perf::allocate(comm, probe.largest + slack, false)),
        second_(motet_perf::allocate(comm, probe.largest + slack, false)) {}

  std::vector<Row> all() {
    for (const CollectiveRow& row : motet_perf::collectives()) {
      if (row.kind == Kind::sendrecv) continue;
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
    const motet_perf::TypeRow type = motet_perf::types_named("float32").front();
    const motet_perf::OpRow op = motet_perf::ops_named("sum").front();
    const int ranks = comm_.size();
    const motet_perf::Shape shape{row, motet_perf::count_for(row, bytes, type.bytes, ranks), ranks,
                                  0};
    const motet_perf::Buffers buffers({.shape = shape,
                                       .element_bytes = type.bytes,
                                       .rank = comm_.rank(),
                                       .first = first_.get(),
                                       .second = second_.get(),
                                       .placing = motet_perf::Buffers::Placing::out_of_place});
    buffers.fill(motet_perf::Pattern(type, op, ranks, row.reduces));
    const Cell cell = measure(comm_, {shape, type, op, buffers.input(), buffers.output()},
                              probe_.rounds, probe_.sample_ms * 1000);
    // The first two are the planner's choice, measured twice.
    for (const Candidate& candidate : std::span(cell.candidates).subspan(1)) {
      rows_.push_back({std::string(row.name), candidate.name, shape.count, ranks,
                       comm_.transport(comm_.rank() == 0 ? ranks - 1 : 0),
                       motet_perf::percentile(candidate.times_us, 0.5)});
    }
  }

  static constexpr std::size_t slack = 4096;  // sizes are rounded up to whole parts
  motet::Communicator& comm_;
  const Probe& probe_;
  motet_perf::Memory first_, second_;
  std::vector<Row> rows_;
};

}  // namespace

std::vector<Row> run(motet::Communicator& comm, const Probe& probe) {
  return Prober(comm, probe).all();
}

}  // namespace motet_tune
