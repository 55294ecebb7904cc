// A schedule made ready to run on one communicator: links and kernels resolved, elements turned
// into bytes, messages numbered, steps cut into blocks. Made once per kind of call and cached; the
// hot path walks this alone. Buffers are bound per call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "device/host/reduce.hpp"
#include "execute/peer_link.hpp"
#include "execute/short_steps.hpp"
#include "schedule/schedule.hpp"

namespace motet {

struct Instruction {
  Op op = Op::copy;
  bool incoming_first = false;
  bool rendezvous = false;  // the receiver pulls, where it can reach the memory
  bool placed = false;      // what is received goes right where it belongs
  bool is_final = false;    // what it writes to the output is not read again
  bool multiplies = false;  // its src is input, which is multiplied wherever it is read
  Buffer src_buffer{}, dst_buffer{};
  Channel channel = 0;
  std::uint16_t group =
      1;  // sends of the same slice that may be published together: this one and how many follow
  std::uint16_t stream = 0;       // index into Program::streams
  std::uint16_t sent_back = 0;    // recv_reduce: how far behind it is the send that returns its
                                  // blocks to where they came from; 0: there is none
  std::uint32_t message = 0;      // number among the sends (receives) of its stream
  std::uint32_t first_block = 0;  // blocks of the messages before it
  std::uint32_t blocks = 1;
  std::uint32_t first_dependency = 0, dependency_count = 0;
  std::uint32_t fingerprint = 0;  // of a message: the program's, and its length if it is told
  std::size_t src = 0, dst = 0;   // byte offsets
  std::size_t bytes = 0;
};
static_assert(sizeof(Instruction) == 64);

// Whom the program exchanges messages with.
struct Partner {
  Rank rank = 0;
  PeerLink* link = nullptr;
  bool sends_to = false, receives_from = false;
};

// The messages with one peer on one channel, in both directions.
struct Stream {
  Rank peer = 0;
  PeerLink* link = nullptr;
  Channel channel = 0;
};

struct Program {
  std::vector<Instruction> instructions;
  std::vector<Dependency> dependencies;
  std::vector<Stream> streams;
  std::vector<Partner> partners;
  std::size_t block_bytes = 0;  // of a full block: whole elements
  std::size_t element_bytes = 1;
  std::size_t scratch_bytes = 0;
  Reading reading = Reading::never;  // what cannot be mapped of a rendezvous on this node
  std::size_t output_count = 0;      // elements that `divide` works on
  ReduceKernel kernel = nullptr;     // null: the operation is told by what it combines, if it does
  ScaleKernel divide = nullptr;      // avg: applied to the finished output
  int divisor = 1;
  MultiplyKernel multiply = nullptr;  // premul_sum: of those that multiply
  std::size_t product_bytes = 0;      // of the longest block of those that send
  std::uint32_t fingerprint = 0;
  bool tells_lengths = false;  // see lengths.hpp
  bool uses_network =
      false;  // some link's bytes may still need this rank when they have been handed over
  bool reads_over_network = false;  // a rendezvous goes by an endpoint that may read over a fabric
  std::vector<ShortStep> short_steps;  // the instructions once more; none if this is not short
  bool is_all_shm = false;             // see short_steps.hpp
  bool has_large_output = false;       // which may be worth storing past the caches
  std::string algorithm;

  const ShortStep* end_of_short_steps() const { return short_steps.data() + short_steps.size(); }
};

struct Lowering {
  const Schedule& schedule;
  std::span<PeerLink* const> links;  // by rank; null for this rank itself
  std::size_t element_bytes = 1;
  std::size_t block_bytes = 128 * 1024;
  Reading reading = Reading::never;
  std::size_t output_count = 0;
  ReduceKernel kernel = nullptr;
  ScaleKernel divide = nullptr;
  int divisor = 1;
  MultiplyKernel multiply = nullptr;
  std::uint32_t fingerprint = 0;
  bool tells_lengths = false;  // each message its own
  bool blockwise = true;       // false: every dependency is whole
  std::string algorithm;
};

// Pure but for asking links for their abilities.
Program lower(const Lowering& lowering);

}  // namespace motet
