// What one rank does in one collective: plain data without pointers, so that it can be cached,
// compared, printed, proved and simulated. Built by ScheduleBuilder; read by the interpreters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/types.hpp"
#include "schedule/slice.hpp"

namespace motet {

// copy: dst = src · reduce: dst = dst op src · send: src to peer · recv: dst from peer
// recv_reduce: dst = src op incoming, or incoming op src if incoming_first; src may equal dst.
enum class Op : std::uint8_t { copy, reduce, send, recv, recv_reduce };

// Who moves the bytes of a message, the same at both ends. either: buffered, the sender goes on as
// soon as a block has been taken. Rendezvous, nothing is buffered: receiver pulls out of the
// sender's slice, sender pushes into the receiver's.
enum class Mover : std::uint8_t { either, receiver, sender };

// An independent first-in first-out stream of messages between two ranks.
using Channel = std::uint8_t;
inline constexpr int max_channels = 16;

struct Step {
  Op op = Op::copy;
  Mover mover = Mover::either;
  Channel channel = 0;
  bool incoming_first = false;  // reduce: dst = src op dst; recv_reduce: dst = incoming op src
  Rank peer = -1;
  Slice src{};                         // empty for recv
  Slice dst{};                         // empty for send
  std::uint32_t first_dependency = 0;  // into Schedule::dependencies
  std::uint32_t dependency_count = 0;

  std::size_t count() const { return op == Op::recv ? dst.count : src.count; }
  bool sends() const { return op == Op::send; }
  bool receives() const { return op == Op::recv || op == Op::recv_reduce; }
  bool is_local() const { return op == Op::copy || op == Op::reduce; }
  bool reads_src() const { return op != Op::recv; }
  bool reads_dst() const { return op == Op::reduce; }
  bool writes() const { return op != Op::send; }  // always dst

  bool operator==(const Step&) const = default;
};

// An earlier step that must be done first: entirely, or block by block where every slice on which
// the two conflict is the same in both.
struct Dependency {
  std::uint32_t step = 0;
  bool blockwise = false;

  bool operator==(const Dependency&) const = default;
};

// Whether every two slices on which these steps conflict are identical, so that block j may follow
// block j.
bool runs_blockwise(const Step& earlier, const Step& later);

struct Schedule {
  std::vector<Step> steps;
  std::vector<Dependency> dependencies;
  std::size_t scratch_count = 0;  // elements

  std::span<const Dependency> dependencies_of(const Step& step) const {
    return {dependencies.data() + step.first_dependency, step.dependency_count};
  }
  bool operator==(const Schedule&) const = default;
};

// Every step split into b (into `count` where that is less: there are no empty sub-steps), in place
// of the step; sub-step j depends on sub-step j of a blockwise dependency and on all of a whole
// one. What the executor does, as a schedule.
Schedule blocks(const Schedule& schedule, int b);

std::string to_text(const Step& step);  // "recv_reduce from 3: output[8..16) = ..."
std::string to_text(const Schedule& schedule,
                    Rank me);  // a line per step; blockwise dependencies have a ~
std::string to_json(const Schedule& schedule, Rank me);
std::string to_dot(const Schedule& schedule, Rank me);  // Graphviz: steps and their order

}  // namespace motet
