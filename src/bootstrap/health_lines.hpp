// The connections between a rank and the hub: one or, by different rails, two.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "net/framed_socket.hpp"
#include "net/poller.hpp"

namespace motet {

// One end of them. Every message goes by all lines and counts when the first brings it: so none is
// lost or late with a rail as long as another line is left, and the order stays. A line that comes
// later begins with what the other end has not acknowledged yet. One thread at a time; never
// blocks.
class HealthLines {
 public:
  // Lines that work, and some that only the other end has given up so far.
  static constexpr std::size_t most = 4;

  // The sockets are watched by `poller`, which outlives this, with `tag`.
  HealthLines(Poller& poller, std::uint64_t tag) : poller_(&poller), tag_(tag) {}
  ~HealthLines();
  HealthLines(HealthLines&& other) noexcept = default;
  HealthLines& operator=(HealthLines&&) = delete;

  // Whether the other end is known to use the line: only then is its end that of the other process.
  enum class Standing { proposed, agreed };
  // `first_words`, if any, go before all else. False: too many, or descriptors have run out; then
  // nothing was said, so the other end has not begun to use the line.
  bool add(FramedSocket socket, Standing standing, const std::string& first_words = {});
  void send(const std::string& message);
  void flush();
  // The next message. After the last one lost() tells whether more can come.
  std::optional<std::string> receive();

  // No line is left, or the other end has closed one, which only its process's end does.
  bool lost() const { return !why_.empty(); }
  const std::string& why() const { return why_; }
  // Drops all lines: nothing of theirs is ready any more.
  void close();
  // The hosts at their other ends, as far as they can be told.
  std::vector<std::string> peer_hosts() const;
  // Waits until every line that still sends has taken everything: which of them brings it is not
  // known.
  void wait_until_sent(const Deadline& deadline);

 private:
  struct Line {
    FramedSocket socket;
    Standing standing;
  };

  void put(Line& line, std::uint64_t number, const std::string& message);
  std::optional<std::string> take(const std::string& frame);
  void acknowledge();
  void let_go_of_broken();
  void watch(const Line& line);

  Poller* poller_;
  std::uint64_t tag_;
  std::vector<Line> lines_;
  std::uint64_t sent_ = 0;                  // messages
  std::deque<std::string> unacknowledged_;  // the last of them
  std::uint64_t received_ = 0, told_ = 0;   // messages; of these the other end knows
  std::string why_;
};

}  // namespace motet
