// Which transports ranks choose from what they found: tables as people would draw them.
#include "communicator/choosing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "communicator/probing.hpp"

namespace motet {
namespace {

using testing::ElementsAre;
using testing::Eq;
using testing::Optional;

constexpr std::size_t shm = 0, ucx = 1, tcp = 2;
const std::vector<bool> shares_memory{true, false, false};

// rows[from]: for each rank the ways of shm, ucx and tcp.
Choice chosen(const std::vector<std::vector<std::string>>& rows, std::size_t me = 0,
              bool last = false) {
  std::vector<std::string> joined;
  for (const auto& row : rows) {
    joined.emplace_back();
    for (const std::string& ways : row) joined.back() += ways;
  }
  return choose(ReachTable(std::move(joined), shares_memory.size()), shares_memory, me, last);
}

TEST(Choosing, TakesMemoryWithinANodeAndTheBestNetworkBetweenNodes) {
  const Choice choice =
      chosen({{"---", "+??", "-+?"}, {"+??", "---", "-+?"}, {"-+?", "-+?", "---"}});
  EXPECT_FALSE(choice.undecided);
  EXPECT_THAT(choice.network, Optional(ucx));
  EXPECT_TRUE(choice.lost.empty());
  EXPECT_THAT(choice.mine, ElementsAre(Eq(std::nullopt), Optional(shm), Optional(ucx)));
}

TEST(Choosing, SettlesOnOneNetworkForAllWhenOneRankLacksTheBest) {
  const auto rows = std::vector<std::vector<std::string>>{
      {"---", "-++", "--+"}, {"-++", "---", "--+"}, {"--+", "--+", "---"}};
  const Choice choice = chosen(rows);
  EXPECT_THAT(choice.network, Optional(tcp));
  EXPECT_THAT(choice.mine, ElementsAre(Eq(std::nullopt), Optional(tcp), Optional(tcp)));
  ASSERT_EQ(choice.lost.size(), 1U);
  EXPECT_EQ(choice.lost.front().transport, ucx);
  EXPECT_EQ(choice.lost.front().other, 2U);
}

TEST(Choosing, IsUndecidedWhileAPairMayYetGetTheNetworkOfTheOthers) {
  // Ranks 0 and 1 have not begun with tcp, which the others need.
  const Choice choice =
      chosen({{"---", "-+?", "-x+"}, {"-+?", "---", "-x+"}, {"-x+", "-x+", "---"}});
  EXPECT_TRUE(choice.undecided);
}

TEST(Choosing, NeedsBothWays) {
  const auto rows = std::vector<std::vector<std::string>>{{"---", "-+x"}, {"-?x", "---"}};
  EXPECT_TRUE(chosen(rows).undecided);
  const Choice choice = chosen(rows, 0, true);
  EXPECT_FALSE(choice.undecided);
  EXPECT_THAT(choice.apart, Optional(std::pair<std::size_t, std::size_t>(0, 1)));
}

TEST(Choosing, GivesEachPairItsOwnNetworkWhenNoneJoinsAll) {
  const auto rows = std::vector<std::vector<std::string>>{
      {"---", "-+x", "-x+"}, {"-+x", "---", "-+x"}, {"-x+", "-+x", "---"}};
  const Choice choice = chosen(rows);
  EXPECT_EQ(choice.network, std::nullopt);
  EXPECT_FALSE(choice.apart);
  EXPECT_THAT(choice.mine, ElementsAre(Eq(std::nullopt), Optional(ucx), Optional(tcp)));
  EXPECT_EQ(choice.lost.size(), 2U);
}

TEST(Choosing, FallsBackFromMemoryThatDoesNotWork) {
  const Choice choice = chosen({{"---", "xx+"}, {"?x+", "---"}});
  EXPECT_THAT(choice.mine, ElementsAre(Eq(std::nullopt), Optional(tcp)));
}

TEST(Choosing, LeavesOldLinksAlone) {
  const Choice choice =
      chosen({{"---", "===", "-+?"}, {"===", "---", "-+?"}, {"-+?", "-+?", "---"}});
  EXPECT_THAT(choice.mine, ElementsAre(Eq(std::nullopt), Eq(std::nullopt), Optional(ucx)));
}

TEST(Choosing, PrefersTheNetworkToMemoryWhereTheUserDoes) {
  const ReachTable table({"--++", "++--"}, 2);
  const Choice choice = choose(table, {false, true}, 0, false);
  EXPECT_THAT(choice.mine, ElementsAre(Eq(std::nullopt), Optional(0U)));
}

Card card(const std::vector<std::string>& wanted, const std::vector<std::string>& had) {
  Card card;
  card.wanted = wanted;
  for (const std::string& name : had) card.transports.push_back({name, "there", name == "shm"});
  return card;
}

TEST(Offers, AreInTheOrderThatRanksWishAlsoIfTheFirstLacksSome) {
  const Offers lacked = Offers::of({card({"shm", "ucx", "tcp"}, {"shm", "tcp"}),
                                    card({"shm", "ucx", "tcp"}, {"shm", "ucx", "tcp"})});
  EXPECT_THAT(lacked.names, ElementsAre("shm", "ucx", "tcp"));
  EXPECT_THAT(lacked.shares_memory, ElementsAre(true, false, false));
  const Offers unasked =
      Offers::of({card({"tcp"}, {"tcp"}), card({"shm", "ucx", "tcp"}, {"shm", "ucx", "tcp"})});
  EXPECT_THAT(unasked.names, ElementsAre("shm", "ucx", "tcp"));
  const Offers nobody = Offers::of({card({"ofi", "tcp"}, {"tcp"}), card({"tcp"}, {"tcp"})});
  EXPECT_THAT(nobody.names, ElementsAre("tcp"));
}

}  // namespace
}  // namespace motet
