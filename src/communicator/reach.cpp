#include "communicator/reach.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "communicator/connecting.hpp"
#include "communicator/probing.hpp"

namespace motet {
namespace {

using nlohmann::json;

// Who has not answered by then does not.
constexpr std::chrono::seconds patience{5};

std::string details_of(const Probing& probing, const Offers& offers, std::size_t ranks,
                       const std::string& row) {
  json details = json::array();
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    for (std::size_t t = 0; t < offers.names.size(); ++t) {
      const auto way = static_cast<Way>(row[rank * offers.names.size() + t]);
      details.push_back(way == Way::works ? probing.route(rank, t) : probing.reason(rank, t));
    }
  }
  return details.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Of rank `from`: by rank, by transport.
std::vector<std::vector<Reach::Path>> paths_of(std::size_t from, const ReachTable& table,
                                               const std::string& text) {
  const json details = json::parse(text, nullptr, false);
  std::vector<std::vector<Reach::Path>> paths(table.ranks());
  for (std::size_t to = 0; to < table.ranks(); ++to) {
    for (std::size_t t = 0; t < table.transports(); ++t) {
      const std::size_t at = to * table.transports() + t;
      const bool sane = details.is_array() && at < details.size() && details[at].is_string();
      paths[to].push_back({table.at(from, to, t), sane ? details[at].get<std::string>() : "?"});
    }
  }
  return paths;
}

}  // namespace

Reach reach_of_all(Meeting& meeting, const Options& options, const Deadline& deadline) {
  Opened opened;
  const Card mine = open_for_card(options, meeting, opened);
  const Admission admission(opened.engine.get(), meeting);
  const std::vector<Card> cards = exchange_cards(meeting, mine, deadline);
  const Offers offers = Offers::of(cards);
  Probing probing(meeting, *opened.engine, cards, offers, std::vector<bool>(cards.size()));
  probing.try_everything();
  probing.go_on(Deadline::after(std::min<Clock::duration>(patience, deadline.left() / 2)));
  const std::string row = probing.row();
  ReachTable table(exchange_row(meeting, "ways", row, deadline), offers.names.size());
  const auto details =
      exchange(meeting, "details", details_of(probing, offers, cards.size(), row), deadline);
  part_ways(meeting, "details", everybody(meeting));  // the store may be rank 0's
  const Choice choice =
      choose(table, offers.shares_memory, static_cast<std::size_t>(meeting.rank), true);
  Reach reach;
  reach.transports = offers.names;
  for (std::size_t rank = 0; rank < cards.size(); ++rank) {
    reach.ranks.push_back(name_of(rank, cards[rank]));
    reach.paths.push_back(paths_of(rank, table, details[rank]));
    for (const auto& [transport, why] : cards[rank].missing) {
      reach.missing.push_back(fmt::format("{}: {}: {}", transport, reach.ranks.back(), why));
    }
  }
  if (choice.network) reach.network = offers.names[*choice.network];
  reach.joined = !choice.apart;
  return reach;
}

}  // namespace motet
