#include "runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <stdexcept>

#include "buffers.hpp"
#include "commit.hpp"
#include "launch/launcher.hpp"
#include "measure.hpp"
#include "progress.hpp"
#include "report.hpp"

namespace motet_perf {
namespace {

// One line of the table, before it is measured.
struct Row {
  Shape shape;
  TypeRow type;
  OpRow op;
};

// Rows of one collective, type and op. Sizes that come to the same count appear once.
void add_rows(std::vector<Row>& rows, const Row& like, const Sizes& sizes) {
  const CollectiveRow& collective = like.shape.row;
  if (collective.whole == Whole::nothing) {
    rows.push_back(like);
    return;
  }
  std::size_t last = 0;
  for (const std::size_t bytes : sizes_of(sizes)) {
    Row row = like;
    row.shape.count = count_for(collective, bytes, like.type.bytes, like.shape.ranks);
    if (row.shape.count == last && row.shape.count != 0) continue;
    last = row.shape.count;
    rows.push_back(row);
  }
}

std::vector<Row> rows_of(const Options& options, int ranks) {
  std::vector<Row> rows;
  for (const CollectiveRow& collective : options.collectives) {
    if (collective.kind == Kind::sendrecv && ranks == 1) continue;  // nobody is its own peer
    for (const TypeRow& type : options.types) {
      for (const OpRow& op : options.ops) {
        if (collective.reduces && !is_defined(op, type)) continue;
        const Row like{{collective, 0, ranks, options.root, options.skew_percent}, type, op};
        add_rows(rows, like, options.sizes);
        if (!collective.reduces) break;  // one op says as much as all
      }
      if (collective.whole == Whole::nothing) break;
    }
  }
  return rows;
}

std::size_t largest_buffer(const std::vector<Row>& rows, int rank) {
  std::size_t largest = 0;
  for (const Row& row : rows) {
    const Shape& shape = row.shape;
    largest = std::max(largest, bytes_of(shape.row, shape.count, row.type.bytes, shape.ranks));
    // The last rank of an alltoallv gets more than it sends.
    largest = std::max(largest, output_count(shape, rank) * row.type.bytes);
  }
  return largest;
}

std::string transports(const motet::Communicator& comm) {
  std::set<std::string> names;
  for (int peer = 0; peer < comm.size(); ++peer)
    if (peer != comm.rank() || comm.size() == 1) names.insert(comm.transport(peer));
  return fmt::format("{}", fmt::join(names, ","));
}

// Runs the rows on one rank's communicator.
class Runner {
 public:
  Runner(motet::Communicator& comm, const Options& options, std::size_t buffer_bytes)
      : comm_(comm),
        options_(options),
        first_(allocate(comm, buffer_bytes, options.how.shared_memory)),
        second_(allocate(comm, buffer_bytes, options.how.shared_memory)) {}

  Result run(const Row& row) {
    using Placing = Buffers::Placing;
    const Shape& shape = row.shape;
    const Pattern pattern(row.type, row.op, shape.ranks, shape.row.reduces);
    const motet_prediction expected =
        expect(comm_, call_of(shape, row.type, row.op, comm_.rank()), options_.how);
    Result result{.row = shape.row,
                  .type = row.type,
                  .op = row.op,
                  .root = shape.root,
                  .skew_percent = shape.skew_percent,
                  .bytes = bytes_of(shape.row, shape.count, row.type.bytes, shape.ranks),
                  .count = shape.count,
                  .algorithm = {},
                  .predicted_us = expected.time_us,
                  .bound_us = expected.bound_us,
                  .out_of_place = run_placed(row, pattern, Placing::out_of_place),
                  .in_place = std::nullopt};
    result.algorithm = last_algorithm_;
    if (shape.row.in_place && !options_.repeats.out_of_place_only)
      result.in_place = run_placed(row, pattern, Placing::in_place);
    return result;
  }

 private:
  Placed run_placed(const Row& row, const Pattern& pattern, Buffers::Placing placing) {
    const Buffers buffers({.shape = row.shape,
                           .element_bytes = row.type.bytes,
                           .rank = comm_.rank(),
                           .first = first_.get(),
                           .second = second_.get(),
                           .placing = placing});
    Call call = call_of(row.shape, row.type, row.op, comm_.rank());
    call.in = buffers.input();
    call.out = buffers.output();
    buffers.fill(pattern);
    invoke(comm_, call, options_.how);
    // Before those of the measuring itself.
    last_algorithm_ = comm_.last_algorithm();
    const Freshness freshness{[&] { buffers.fill(pattern); }, [&] { buffers.read(); }};
    const Timing timing = measure(comm_, call, options_.how, options_.repeats, freshness);
    Placed placed{timing, std::nullopt};
    if (options_.repeats.checks > 0) {
      // What the last of the timed calls left: in place each has worked on the one before.
      const std::size_t left =
          placing == Buffers::Placing::out_of_place ? buffers.count_wrong(pattern) : 0;
      placed.wrong = check(call, buffers, pattern, static_cast<std::int64_t>(left));
    }
    return placed;
  }

  // `wrong`: on this rank so far. Over all ranks.
  std::int64_t check(const Call& call, const Buffers& buffers, const Pattern& pattern,
                     std::int64_t wrong) {
    for (int i = 0; i < options_.repeats.checks; ++i) {
      buffers.fill(pattern);
      invoke(comm_, call, options_.how);
      wrong += static_cast<std::int64_t>(buffers.count_wrong(pattern));
    }
    std::vector<std::int64_t> total{wrong};
    comm_.allreduce(total);
    return total[0];
  }

  motet::Communicator& comm_;
  const Options& options_;
  Memory first_, second_;
  std::string last_algorithm_;
};

void explain(motet::Communicator& comm, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const std::string text = comm.explain(row.shape.row.collective, row.shape.count);
    if (comm.rank() == 0) fmt::print("{}\n", text);
  }
}

Setting setting_of(const motet::Communicator& comm, const Options& options) {
  return {.version = motet_version(),
          .commit = commit,
          .machine = describe_machine(),
          .transport = transports(comm),
          .ranks = comm.size(),
          .nodes = comm.node_count(),
          .fresh = options.repeats.fresh,
          .planned = options.how.planned};
}

std::string describe(const Row& row) {
  return fmt::format("{} of {} {} ...", row.shape.row.name, row.shape.count, row.type.name);
}

}  // namespace

motet_unique_id exchange_id(const Launch& launch) {
  motet_unique_id id{};
  static_assert(sizeof id == sizeof(motet_launch::Word));
  const auto word =
      motet_launch::share_word({launch.join_rank, launch.ranks, launch.join_descriptor}, [] {
        const motet_unique_id made = motet::unique_id();
        motet_launch::Word bytes{};
        std::memcpy(bytes.data(), &made, sizeof made);
        return bytes;
      });
  std::memcpy(&id, word.data(), sizeof id);
  return id;
}

motet::Communicator join(const motet_unique_id* id, int rank, const Options& options) {
  motet_config config{};
  config.size = sizeof config;
  config.id = id;
  config.rank = id != nullptr ? rank : 0;
  config.world_size = id != nullptr ? options.launch.ranks : 0;
  config.transport = options.how.transport.empty() ? nullptr : options.how.transport.c_str();
  config.timeout_ms = options.how.timeout_ms;
  return motet::Communicator::create(&config);
}

bool run(motet::Communicator& comm, const Options& options) {
  const std::vector<Row> rows = rows_of(options, comm.size());
  if (rows.empty()) throw std::invalid_argument("sendrecv needs two ranks");
  if (options.explain) {
    explain(comm, rows);
    return true;
  }
  const bool prints = comm.rank() == 0;
  const std::unique_ptr<Report> report = make_report(options.format, stdout);
  Progress progress(prints ? stderr : nullptr, rows.size());
  if (prints) report->begin(setting_of(comm, options));
  Runner runner(comm, options, largest_buffer(rows, comm.rank()));
  std::int64_t wrong = 0;
  for (const Row& row : rows) {
    progress.show(describe(row));
    const Result result = runner.run(row);
    progress.clear();
    wrong += result.out_of_place.wrong.value_or(0);
    if (result.in_place) wrong += result.in_place->wrong.value_or(0);
    if (prints) report->add(result);
  }
  if (prints) report->end(wrong, options.repeats.checks > 0);
  return wrong == 0;
}

}  // namespace motet_perf
