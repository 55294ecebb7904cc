#include "runner.hpp"

#include <fmt/format.h>

#include <cstring>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "buffers.hpp"
#include "commit.hpp"
#include "launch/launcher.hpp"
#include "measure.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "rows.hpp"
#include "step.hpp"

namespace motet_perf {
namespace {

std::string transports(const motet::Communicator& comm) {
  std::set<std::string> names;
  for (int peer = 0; peer < comm.size(); ++peer)
    if (peer != comm.rank() || comm.size() == 1) names.insert(comm.transport(peer));
  return fmt::format("{}", fmt::join(names, ","));
}

// As frameworks do: whole buffers in place, parts into or out of a buffer of their own.
bool in_place_in_step(const CollectiveRow& collective, const Repeats& repeats) {
  return collective.in_place && collective.whole == Whole::each && !repeats.out_of_place_only;
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
    const motet_prediction expected = expect(comm_, call(row), options_.how);
    const auto placed = [&](Placing placing) {
      Step alone;
      alone.add(call(row), buffers(row, {first_.get(), second_.get()}, placing), pattern);
      return run(alone);
    };
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
                  .out_of_place = placed(Placing::out_of_place),
                  .in_place = std::nullopt};
    result.algorithm = last_algorithm_;
    if (shape.row.in_place && !options_.repeats.out_of_place_only)
      result.in_place = placed(Placing::in_place);
    return result;
  }

  // All rows as one step, each with buffers of its own. Collective.
  Placed run_together(const std::vector<Row>& rows) {
    std::map<std::tuple<motet_type, motet_op, bool>, Pattern> patterns;
    std::vector<Memory> blocks;
    const auto block = [&](const Row& row) {
      const std::size_t bytes = largest_buffer({&row, 1}, comm_.rank());
      return blocks.emplace_back(allocate(comm_, bytes, options_.how.shared_memory)).get();
    };
    Step step;
    for (const Row& row : rows) {
      const bool reduces = row.shape.row.reduces;
      const auto [pattern, is_new] = patterns.try_emplace(
          {row.type.type, row.op.op, reduces}, row.type, row.op, row.shape.ranks, reduces);
      const bool in_place = in_place_in_step(row.shape.row, options_.repeats);
      std::byte* const second = block(row);
      std::byte* const first = in_place ? second : block(row);
      const auto placing = in_place ? Buffers::Placing::in_place : Buffers::Placing::out_of_place;
      step.add(call(row), buffers(row, {first, second}, placing, step.calls().size()),
               pattern->second);
    }
    return run(step);
  }

 private:
  struct Blocks {
    std::byte *first, *second;
  };

  Call call(const Row& row) const {
    Call call = call_of(row.shape, row.type, row.op, comm_.rank());
    call.wait_after = row.wait_after;
    return call;
  }

  Buffers buffers(const Row& row, const Blocks& blocks, Buffers::Placing placing,
                  std::size_t place_in_step = 0) const {
    constexpr std::size_t apart = 61;  // elements: the first calls of a step are all different
    return Buffers({.shape = row.shape,
                    .element_bytes = row.type.bytes,
                    .rank = comm_.rank(),
                    .first = blocks.first,
                    .second = blocks.second,
                    .placing = placing,
                    .stream_start = apart * place_in_step});
  }

  Placed run(const Step& step) {
    step.fill();
    invoke(comm_, step.calls(), options_.how);
    // Before those of the measuring itself.
    last_algorithm_ = comm_.last_algorithm();
    const Freshness freshness{[&] { step.fill(); }, [&] { step.read(); }};
    const Timing timing = measure(comm_, step.calls(), options_.how, options_.repeats, freshness);
    Placed placed{timing, std::nullopt};
    if (options_.repeats.checks > 0)
      placed.wrong = check(step, static_cast<std::int64_t>(step.count_wrong_of_repeated()));
    return placed;
  }

  // `wrong`: on this rank so far. Over all ranks.
  std::int64_t check(const Step& step, std::int64_t wrong) {
    for (int i = 0; i < options_.repeats.checks; ++i) {
      step.fill();
      invoke(comm_, step.calls(), options_.how);
      wrong += static_cast<std::int64_t>(step.count_wrong());
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
          .planned = options.how.planned,
          .replay = options.replay_file};
}

std::int64_t wrong_in(const Result& result) {
  const std::int64_t in_place = result.in_place ? result.in_place->wrong.value_or(0) : 0;
  return result.out_of_place.wrong.value_or(0) + in_place;
}

void count_in(StepResult& step, const Result& result, bool in_place, int ranks) {
  const auto bytes = static_cast<double>(result.bytes);
  ++step.calls;
  step.bytes += result.bytes;
  step.bus_bytes += bytes * bus_factor(result.row.kind, ranks);
  step.one_by_one_us += (in_place ? *result.in_place : result.out_of_place).timing.median_us;
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
  if (options.explain) {
    explain(comm, rows);
    return true;
  }
  const bool prints = comm.rank() == 0, replays = !options.replay.empty();
  const std::unique_ptr<Report> report = make_report(options.format, stdout);
  Progress progress(prints ? stderr : nullptr, rows.size() + (replays ? 1 : 0));
  if (prints) report->begin(setting_of(comm, options));
  Runner runner(comm, options, largest_buffer(rows, comm.rank()));
  std::int64_t wrong = 0;
  StepResult step{};
  for (const Row& row : rows) {
    progress.show(describe(row));
    const Result result = runner.run(row);
    progress.clear();
    wrong += wrong_in(result);
    count_in(step, result, in_place_in_step(row.shape.row, options.repeats), comm.size());
    if (prints) report->add(result);
  }
  if (replays) {
    progress.show("the step ...");
    step.placed = runner.run_together(rows);
    progress.clear();
    wrong += step.placed.wrong.value_or(0);
    if (prints) report->add(step);
  }
  if (prints) report->end(wrong, options.repeats.checks > 0);
  return wrong == 0;
}

}  // namespace motet_perf
