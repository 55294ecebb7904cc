// What ranks and the hub say to one another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bootstrap/health.hpp"
#include "bootstrap/process_identity.hpp"

namespace motet {

enum class HealthCall : std::uint8_t {
  // rank to hub
  join,            // rank, process: the first words of its first line
  another_line,    // rank: the first words of one that it adds
  who_is_missing,  // the rank's patience for joining is over
  watch,           // communicator; members, from its first member only
  left,            // communicator; records: the last call if any
  wait,            // communicator, number: the sequence
  failure,         // communicator, code, text
  answer,          // token, communicator, presence, records
  where,           // token; communicator, number: the sequence; patience_ms
  goodbye,         // the rank leaves the job in order
  // hub to rank
  ready,          // everybody has joined; process: the hub's
  join_failed,    // code, text
  query,          // token, communicator
  verdict,        // communicator, code, text
  gone,           // rank, text
  first_left,     // communicator, records: rank 0 has left it
  first_goodbye,  // rank 0 has left the job: the hub may end without anybody having died
  places,         // token; text
};

enum class Presence : std::uint8_t { not_here, here };

// One shape for all: what a call does not need is zero or empty.
struct HealthMessage {
  HealthCall call{};
  std::uint32_t communicator = 0;
  std::uint64_t number = 0;
  std::uint64_t token = 0;  // comes back with the answer
  std::uint32_t patience_ms = 0;
  Rank rank = 0;
  Presence presence{};
  ErrorCode code{};
  std::string text{};
  std::vector<Rank> members{};
  std::vector<CallRecord> records{};
  ProcessIdentity process{};
};

inline constexpr std::size_t longest_health_frame = 4 * 1024 * 1024;  // a million members

std::string encode(const HealthMessage& message);
// Nothing if it is malformed: every enumerator is in range and every record can be printed.
std::optional<HealthMessage> decode_health_message(const std::string& frame);

}  // namespace motet
