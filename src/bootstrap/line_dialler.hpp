// Dials the ways to the hub that no line uses, one after the other.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "net/handshake.hpp"
#include "net/poller.hpp"

namespace motet {

class LineDialler {
 public:
  struct Ways {
    std::vector<std::vector<Address>>
        rails;  // the hub's addresses on each; fewer than two: no ways
    Identity from, to;
    Credentials credentials;
  };
  // While it dials, `poller`, which outlives it, has an event with `tag` for advance().
  LineDialler(Ways ways, Poller& poller, std::uint64_t tag);
  ~LineDialler();
  LineDialler(const LineDialler&) = delete;
  LineDialler& operator=(const LineDialler&) = delete;

  // `used`: the hosts at the other ends of the lines there are. A socket when one is connected.
  std::optional<Descriptor> advance(const std::vector<std::string>& used, Clock::time_point now);
  // Nothing is dialled any more, unless advance() is called again.
  void stop();
  // When to call advance() although nothing happens; max(): never.
  Clock::time_point next() const;

 private:
  const std::vector<Address>* free_way(const std::vector<std::string>& used);
  void start(const std::vector<Address>& addresses, Clock::time_point now);
  void rest_from(Clock::time_point now);

  static constexpr std::size_t most_lines = 2;
  static constexpr auto idle = Clock::time_point::min();  // nothing is to be dialled

  const Ways ways_;
  Poller& poller_;
  const std::uint64_t tag_;
  std::size_t next_way_ = 0;
  std::optional<Dialler> dialler_;
  Clock::time_point until_ = idle;  // of this try, or of the rest after it
};

}  // namespace motet
