// Runs the schedules once, with symbols for numbers. Conflicting steps are ordered, so that every
// order gives the same.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "verify/symbols.hpp"
#include "verify/system.hpp"

namespace motet {
namespace {

// That a rank contributes.
std::size_t most_elements(const System& system) {
  std::size_t most = 0;
  for (const Problem& problem : system.problems) most = std::max(most, problem.parts.total());
  return most;
}

class Run {
 public:
  explicit Run(const System& system)
      : system_(system),
        symbols_(system.world_size(), most_elements(system), system.problem.commutative) {
    lay_out_buffers();
    fill_inputs();
    lay_out_messages();
  }

  // "" or which step reads what nobody wrote.
  std::string go(const std::vector<Node>& order) {
    for (const Node node : order) {
      if (auto wrong = run(node); !wrong.empty()) return wrong;
    }
    return {};
  }

  const Symbols& symbols() const { return symbols_; }
  Symbols::Id value(Rank rank, const Slice& slice, std::size_t i) const {
    return values_[place(rank, slice) + i];
  }

 private:
  static std::size_t index(Rank rank, Buffer buffer) {
    return static_cast<std::size_t>(rank) * 3 + static_cast<std::size_t>(buffer);
  }
  std::size_t place(Rank rank, const Slice& slice) const {
    return buffers_[index(rank, slice.buffer)] + slice.offset;
  }

  void lay_out_buffers() {
    std::size_t next = 0;
    for (Rank rank = 0; rank < system_.world_size(); ++rank) {
      const Sides its = sides(system_.problem_of(rank), rank);
      for (const Buffer buffer : {Buffer::input, Buffer::output}) {
        buffers_.push_back(next);
        std::size_t count = 0;
        if (its.input.buffer == buffer) count = its.input.end();
        if (its.output.buffer == buffer) count = std::max(count, its.output.end());
        next += count;
      }
      buffers_.push_back(next);
      next += system_.schedules[static_cast<std::size_t>(rank)].scratch_count;
    }
    values_.assign(next, Symbols::unset);
  }

  void fill_inputs() {
    for (Rank rank = 0; rank < system_.world_size(); ++rank) {
      const Slice input = sides(system_.problem_of(rank), rank).input;
      const std::size_t at = place(rank, input);
      for (std::size_t i = 0; i < input.count; ++i) {
        values_[at + i] = symbols_.contribution(rank, i);
      }
    }
  }

  void lay_out_messages() {
    std::size_t next = 0;
    payload_of_.assign(system_.node_count(), 0);
    for (const Message& message : system_.messages) {
      payload_of_[message.send] = payload_of_[message.recv] = next;
      next += system_.step(message.send).count();
    }
    payloads_.resize(next);
  }

  std::string run(Node node) {
    const Step& step = system_.step(node);
    const Rank me = system_.rank_of[node];
    const Symbols::Id* src = values_.data() + place(me, step.src);
    Symbols::Id* dst = values_.data() + place(me, step.dst);
    Symbols::Id* payload = payloads_.data() + payload_of_[node];
    if (step.reads_src() && !all_set(src, step.count())) return unset(node, step.src);
    if (step.reads_dst() && !all_set(dst, step.count())) return unset(node, step.dst);
    switch (step.op) {
      case Op::copy:
        std::copy_n(src, step.count(), dst);
        break;
      case Op::send:
        std::copy_n(src, step.count(), payload);
        break;
      case Op::recv:
        std::copy_n(payload, step.count(), dst);
        break;
      case Op::reduce:
        combine(dst, src, step, dst);
        break;
      case Op::recv_reduce:
        combine(src, payload, step, dst);
        break;
    }
    return {};
  }

  void combine(const Symbols::Id* mine, const Symbols::Id* other, const Step& step,
               Symbols::Id* dst) {
    for (std::size_t i = 0; i < step.count(); ++i) {
      dst[i] = step.incoming_first ? symbols_.combine(other[i], mine[i])
                                   : symbols_.combine(mine[i], other[i]);
    }
  }

  static bool all_set(const Symbols::Id* first, std::size_t count) {
    return std::find(first, first + count, Symbols::unset) == first + count;
  }

  std::string unset(Node node, const Slice& slice) const {
    std::size_t i = 0;
    while (value(system_.rank_of[node], slice, i) != Symbols::unset) ++i;
    return fmt::format("{}: it reads element {}, which nobody wrote", system_.describe(node),
                       slice.offset + i);
  }

  const System& system_;
  Symbols symbols_;
  std::vector<std::size_t> buffers_;  // where the three buffers of each rank begin in values_
  std::vector<Symbols::Id> values_;
  std::vector<std::size_t> payload_of_;  // by node: where its message lies in payloads_
  std::vector<Symbols::Id> payloads_;
};

// What an element of the output must hold.
struct Expected {
  Rank from = -1;  // -1: every rank's contribution to `element`
  std::size_t element = 0;
};

// In send and recv the root's partner is whoever the root talks to.
Rank partner(const System& system) {
  const std::vector<Step>& steps =
      system.schedules[static_cast<std::size_t>(system.problem.root)].steps;
  return steps.empty() ? -1 : steps.front().peer;
}

// Whether the output of `rank` matters.
bool is_promised(const System& system, Rank rank) {
  const Problem& p = system.problem;
  if (p.collective == Collective::recv) return rank == partner(system);
  return true;
}

// What element i of the output of `rank` must be. `source`, 0 at first, is whose part i lies in
// where parts of all ranks lie side by side; i only grows.
Expected expected(const System& system, Rank rank, std::size_t i, Rank& source) {
  const Problem& p = system.problem_of(rank);
  switch (p.collective) {
    case Collective::allreduce:
    case Collective::reduce:
      return {-1, i};
    case Collective::reduce_scatter:
      return {-1, p.parts.offset(rank) + i};
    case Collective::broadcast:
    case Collective::recv:
      return {p.root, i};
    case Collective::scatter:
      return {p.root, system.problem_of(p.root).parts.offset(rank) + i};
    case Collective::send:
      return {partner(system), i};
    default:
      break;
  }
  // allgather, gather, alltoall: part q comes from rank q.
  const bool is_alltoall = p.collective == Collective::alltoall;
  const Parts& received = is_alltoall ? p.received_parts() : p.parts;
  while (i >= received.offset(source) + received.count(source)) ++source;
  const std::size_t begin = is_alltoall ? system.problem_of(source).parts.offset(rank) : 0;
  return {source, begin + i - received.offset(source)};
}

bool is_as_expected(const Symbols& symbols, Symbols::Id found, const Expected& wanted) {
  if (found == Symbols::unset) return false;
  if (wanted.from < 0) return symbols.is_total(found, wanted.element);
  return found == symbols.contribution(wanted.from, wanted.element);
}

std::string wrong_result(const Run& run, Rank rank, const Slice& output, std::size_t i,
                         const Expected& wanted) {
  const std::string expectation =
      wanted.from < 0 ? "every rank once" : fmt::format("rank {}", wanted.from);
  return fmt::format("result: rank {} output element {} holds {}; expected {}, element {}", rank, i,
                     run.symbols().to_text(run.value(rank, output, i)), expectation,
                     wanted.element);
}

std::string check_output(const System& system, const Run& run, Rank rank) {
  const Slice output = sides(system.problem_of(rank), rank).output;
  Rank source = 0;
  for (std::size_t i = 0; i < output.count; ++i) {
    const Expected wanted = expected(system, rank, i, source);
    const Symbols::Id found = run.value(rank, output, i);
    if (!is_as_expected(run.symbols(), found, wanted)) {
      return wrong_result(run, rank, output, i, wanted);
    }
  }
  return {};
}

// Replicas must not drift apart: all ranks get the same bits.
std::string check_agreement(const System& system, const Run& run) {
  const Slice first = sides(system.problem, 0).output;
  for (Rank rank = 1; rank < system.world_size(); ++rank) {
    const Slice output = sides(system.problem, rank).output;
    for (std::size_t i = 0; i < output.count; ++i) {
      const Symbols::Id theirs = run.value(0, first, i);
      const Symbols::Id mine = run.value(rank, output, i);
      if (theirs == mine) continue;
      return fmt::format("agreement: output element {} is {} on rank 0 and {} on rank {}", i,
                         run.symbols().to_text(theirs), run.symbols().to_text(mine), rank);
    }
  }
  return {};
}

}  // namespace

std::string check_result(const System& system, const std::vector<Node>& order) {
  Run run(system);
  if (auto wrong = run.go(order); !wrong.empty()) return wrong;
  for (Rank rank = 0; rank < system.world_size(); ++rank) {
    if (!is_promised(system, rank)) continue;
    if (auto wrong = check_output(system, run, rank); !wrong.empty()) return wrong;
  }
  if (system.problem.collective != Collective::allreduce) return {};
  return check_agreement(system, run);
}

}  // namespace motet
