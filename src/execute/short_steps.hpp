// The steps of a short program: few, each one small block in shared memory. A call that is alone
// takes them in program order as long as each can be done at once (Context::run_short), which needs
// none of the bookkeeping of passes; what is left, if anything, is an ordinary operation's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "execute/key.hpp"
#include "execute/peer_link.hpp"

namespace motet {

struct Instruction;
struct Program;

struct ShortStep {
  Op op = Op::copy;
  bool swapped = false;    // the first operand is what comes in, or dst of a reduce
  bool goes_back = false;  // the next step sends its result to where the block came from
  Buffer src_buffer{}, dst_buffer{};
  std::uint32_t bytes = 0;
  std::size_t src = 0, dst = 0;   // byte offsets
  std::uint32_t count = 0;        // elements
  std::uint32_t fingerprint = 0;  // as Instruction has it
  Key key = 0;                    // without the operation
  std::uint32_t stream = 0;       // likewise
  Rank peer = -1;
  PeerLink* link = nullptr;
  Endpoint* endpoint = nullptr;  // the link's
};

// The most scratch memory of a short program.
inline constexpr std::size_t short_scratch_bytes = 256;

// Those of the program, or none if it is not short.
std::vector<ShortStep> short_steps(const Program& program);
// Whether every endpoint is a shm::ShmEndpoint, whose functions need no virtual call.
bool is_all_shm(const Program& program);

}  // namespace motet
