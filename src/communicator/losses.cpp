#include "communicator/losses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.hpp"
#include "transport/transport.hpp"

namespace motet {
namespace {

using nlohmann::json;

// What this rank knows of each obstacle; "" where it is not one of the two.
json own_reasons(std::size_t me, const Probing& probing, const std::vector<Obstacle>& obstacles) {
  json reasons = json::array();
  for (const Obstacle& obstacle : obstacles) {
    std::string reason;
    if (obstacle.one == me) reason = probing.reason(obstacle.other, obstacle.transport);
    if (obstacle.other == me) reason = probing.reason(obstacle.one, obstacle.transport);
    reasons.push_back(reason);
  }
  return reasons;
}

std::string reason_of(const std::string& row, std::size_t obstacle) {
  const json reasons = json::parse(row, nullptr, false);
  const bool sane =
      reasons.is_array() && obstacle < reasons.size() && reasons[obstacle].is_string();
  return sane ? reasons[obstacle].get<std::string>() : "?";
}

}  // namespace

std::vector<std::string> reasons_for(Meeting& meeting, const Probing& probing,
                                     const std::vector<Obstacle>& obstacles,
                                     const Deadline& deadline) {
  const std::vector<Card>& cards = probing.cards();
  const Offers& offers = probing.offers();
  const auto me = static_cast<std::size_t>(meeting.rank);
  const json mine = own_reasons(me, probing, obstacles);
  const auto rows = exchange(meeting, "reasons",
                             mine.dump(-1, ' ', false, json::error_handler_t::replace), deadline);
  std::vector<std::string> sentences;
  for (std::size_t i = 0; i < obstacles.size(); ++i) {
    const auto& [transport, one, other] = obstacles[i];
    sentences.push_back(fmt::format("{}: {}: {}; {}: {}", offers.names[transport],
                                    name_of(one, cards[one]), reason_of(rows[one], i),
                                    name_of(other, cards[other]), reason_of(rows[other], i)));
  }
  return sentences;
}

std::vector<std::string> missing_everywhere(const std::vector<Card>& cards, const Offers& offers) {
  std::set<std::string> seen(offers.names.begin(), offers.names.end());
  std::vector<std::string> sentences;
  for (std::size_t rank = 0; rank < cards.size(); ++rank) {
    for (const Missing& missing : cards[rank].missing) {
      if (!seen.insert(missing.transport).second) continue;
      sentences.push_back(
          fmt::format("{}: {}: {}", missing.transport, name_of(rank, cards[rank]), missing.why));
    }
  }
  return sentences;
}

std::string losses_line(const std::vector<std::string>& reasons, const std::string& used) {
  const auto info = std::ranges::find(transports(), used, &TransportInfo::name);
  std::string line = fmt::format("rank=0 lost=\"{}\"", fmt::join(reasons, "; "));
  if (info != transports().end()) line += fmt::format(" used={} price=\"{}\"", used, info->price);
  return line;
}

}  // namespace motet
