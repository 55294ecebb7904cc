// Which interfaces and ports are used.
#include "net/interfaces.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "net/listening_socket.hpp"

namespace motet {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Interfaces, AreAllChosenUnlessTheUserNamesSome) {
  EXPECT_TRUE(is_chosen("", "eth0"));
  EXPECT_TRUE(is_chosen("lo,eth0", "eth0"));
  EXPECT_FALSE(is_chosen("lo,eth0", "eth01"));
  EXPECT_TRUE(is_chosen("eth*", "eth01"));
  EXPECT_FALSE(is_chosen("ib*", "eth0"));
  EXPECT_FALSE(is_chosen("^docker*,lo", "docker0"));
  EXPECT_FALSE(is_chosen("^docker*,lo", "lo"));
  EXPECT_TRUE(is_chosen("^docker*,lo", "eth0"));
}

TEST(Interfaces, ThatAreChosenAreTold) {
  const ListeningSocket socket = listen_on_tcp({.interfaces = "lo", .ports = {}});
  ASSERT_FALSE(socket.addresses.empty());
  for (const Address& address : socket.addresses) {
    EXPECT_TRUE(address.starts_with("127.") || address.starts_with("[::1]")) << address;
  }
}

TEST(Ports, OfARangeAreTakenUntilNoneIsLeft) {
  constexpr PortRange range{42'100, 42'102};
  std::vector<ListeningSocket> sockets;
  for (int i = 0; i < range.count(); ++i) sockets.push_back(listen_on_tcp({.ports = range}));
  try {
    listen_on_tcp({.ports = range});
    FAIL() << "there are no more";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::system);
    EXPECT_THAT(error.what(), HasSubstr("each of the 3 ports 42100-42102 is in use"));
  }
  sockets.pop_back();
  EXPECT_NO_THROW(listen_on_tcp({.ports = range}));
}

TEST(Ports, ReadAsTheyAreWritten) {
  EXPECT_EQ(PortRange::from_text("20000-20100"), (PortRange{20'000, 20'100}));
  EXPECT_EQ(PortRange::from_text("7"), PortRange::only(7));
  for (const char* bad : {"", "-", "0", "5-4", "1-70000", "1-2-3", "x", "1 -2"}) {
    EXPECT_EQ(PortRange::from_text(bad), std::nullopt) << bad;
  }
  EXPECT_EQ((PortRange{3, 9}).to_text(), "3-9");
}

}  // namespace
}  // namespace motet
