// What libfabric's transport does that the others do not.
#include "transport/ofi/ofi_transport.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include "fleet.hpp"
#include "transport/ofi/devices.hpp"
#include "transport/ofi/peer_address.hpp"
#include "transport/ofi/providers.hpp"
#include "transport/ofi/reads.hpp"
#include "transport/ofi/refusals.hpp"

namespace motet::test {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

const Flavour ofi_flavour{"ofi", ofi_transport.open};

TEST(OfiProviders, AreEachInTheTableOnceAndForAReason) {
  std::set<std::string_view> names;
  for (const ofi::Provider& provider : ofi::known_providers()) {
    EXPECT_TRUE(names.insert(provider.name).second) << provider.name;
    EXPECT_FALSE(provider.reason.empty()) << provider.name;
    EXPECT_EQ(provider.variable == nullptr, provider.value == nullptr) << provider.name;
  }
  EXPECT_EQ(ofi::traits_of("tcp;ofi_rxm").name, "tcp;ofi_rxm");
  EXPECT_EQ(ofi::traits_of("another").name, "another");
}

TEST(OfiProviders, ThatAreUnknownAreRefusedWithAListOfThoseThereAre) {
  TransportOptions options;
  options.name = "rank 5";
  options.ofi_provider = "pigeon";
  try {
    ofi_transport.open(options);
    FAIL() << "there is no such provider";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unavailable);
    EXPECT_THAT(error.what(), HasSubstr("rank 5: ofi: libfabric has no provider \"pigeon\" here"));
    EXPECT_THAT(error.what(), HasSubstr("tcp;ofi_rxm"));
  }
}

TEST(OfiProviders, LeaveTheUsersEnvironmentAsItIs) {
  const ofi::Provider rxm = ofi::traits_of("tcp;ofi_rxm");
  ASSERT_NE(rxm.variable, nullptr);
  TransportOptions options;
  options.name = "rank 0";
  options.ofi_provider = rxm.name;
  ::unsetenv(rxm.variable);
  ofi_transport.open(options);
  EXPECT_STREQ(::getenv(rxm.variable), rxm.value);
  ::setenv(rxm.variable, "65536", 1);
  ofi_transport.open(options);
  EXPECT_STREQ(::getenv(rxm.variable), "65536");
  ::unsetenv(rxm.variable);
}

// The best one's name leads its address, by which ranks see that they have the same.
TEST(OfiProviders, AreNotChosenUnlessTheyAreFitForIt) {
  Fleet fleet(ofi_flavour, 1);
  const std::string address = fleet[0].transport().address();
  for (const ofi::Provider& provider : ofi::known_providers()) {
    if (!provider.only_by_name) continue;
    EXPECT_FALSE(ofi::parse(provider.name, address).has_value()) << address;
  }
}

TEST(OfiProviders, AreOpenedOnTheInterfaceThatIsNamed) {
  TransportOptions options;
  options.name = "rank 5";
  options.ofi_provider = "net";
  options.listen_on.interfaces = "lo";
  EXPECT_NE(ofi_transport.open(options), nullptr);
  for (const char* provider : {"net", ""}) {
    options.ofi_provider = provider;
    options.listen_on.interfaces = "pigeon0";
    try {
      ofi_transport.open(options);
      ADD_FAILURE() << "there is no such interface";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unavailable);
      EXPECT_THAT(error.what(), HasSubstr("rank 5: ofi: MOTET_INTERFACE=\"pigeon0\" leaves no"));
      EXPECT_THAT(error.what(), testing::ContainsRegex("there are: .*lo"));
    }
  }
}

using Order = std::vector<std::size_t>;

// Two NICs of InfiniBand at two NUMA nodes and in one network, a rail apart, and a loopback.
std::vector<ofi::Device> four_devices() {
  return {{"lo", "lo", "127.0.0.0", -1, ofi::Reach::this_host},
          {"mlx5_0", "ib0", "10.1.0.0", 0, ofi::Reach::far},
          {"mlx5_1", "ib1", "10.1.0.0", 1, ofi::Reach::far},
          {"mlx5_2-xrc", "ib2", "10.2.0.0", 1, ofi::Reach::far},
          {"mlx5_3", "ib3", "fe80::", 1, ofi::Reach::not_even_that}};
}

TEST(OfiDevices, AreTakenNearTheRankWhereItsPeersAre) {
  const auto devices = four_devices();
  EXPECT_EQ(ofi::choose(devices, {}), (Order{1, 2, 3, 0}));
  EXPECT_EQ(ofi::choose(devices, {.names = {}, .numa = 0}), (Order{1, 2, 3, 0}));
  EXPECT_EQ(ofi::choose(devices, {.names = {}, .numa = 1}), (Order{2, 1, 3, 0}))
      << "the near one on another rail may not reach the others' first";
  EXPECT_EQ(ofi::choose(devices, {.names = {}, .numa = 7}), (Order{1, 2, 3, 0}));
  EXPECT_EQ(ofi::choose({}, {.names = {}, .numa = 1}), Order{});
}

TEST(OfiDevices, AreTakenByTheirNamesAndTheirInterfaces) {
  const auto devices = four_devices();
  const auto of = [&](std::string_view names) { return ofi::choose(devices, {.names = names}); };
  EXPECT_EQ(of("mlx5_2"), Order{3});
  EXPECT_EQ(of("mlx5_2-xrc"), Order{3});
  EXPECT_EQ(of("ib2,mlx5_1"), (Order{2, 3}));
  EXPECT_EQ(of("ib*"), (Order{1, 2, 3}));
  EXPECT_EQ(of("^ib0,mlx5_1,lo"), Order{3});
  EXPECT_EQ(of("eth0"), Order{});
}

TEST(OfiDevices, AreKnownToTheSystem) {
  const std::string sysfs = testing::TempDir() + "motet_ofi_devices";
  const auto write = [&](const std::string& path, const char* text) {
    std::filesystem::create_directories(sysfs + path.substr(0, path.rfind('/')));
    std::ofstream(sysfs + path) << text << '\n';
  };
  write("/class/infiniband/mlx5_0/ports/1/gid_attrs/ndevs/0", "ib0");
  write("/class/infiniband/mlx5_0/device/numa_node", "3");
  write("/class/net/eth7/device/numa_node", "2");
  fi_domain_attr domain{};
  fi_info offer{};
  offer.domain_attr = &domain;
  const auto look = [&](std::string name) {
    domain.name = name.data();
    return ofi::device_of(offer, sysfs);
  };
  for (const char* name : {"mlx5_0", "mlx5_0-xrc"}) {
    EXPECT_EQ(look(name).interface, "ib0") << name;
    EXPECT_EQ(look(name).numa, 3) << name;
    EXPECT_EQ(look(name).reach, ofi::Reach::far) << "no IP address: no limit";
  }
  EXPECT_EQ(look("eth7").interface, "eth7");
  EXPECT_EQ(look("eth7").numa, 2);
  EXPECT_EQ(look("cxi0").interface, "");
  EXPECT_EQ(look("cxi0").numa, -1);
  std::filesystem::remove_all(sysfs);
}

TEST(OfiAddress, IsReadAsItWasWritten) {
  std::mt19937 random(2);
  for (std::size_t bytes = 0; bytes < 100; ++bytes) {
    ofi::PeerAddress address(bytes);
    for (std::byte& byte : address) byte = static_cast<std::byte>(random());
    const std::string text = ofi::to_text("tcp;ofi_rxm", address);
    EXPECT_EQ(ofi::parse("tcp;ofi_rxm", text), address);
    EXPECT_FALSE(ofi::parse("tcp", text).has_value());
    EXPECT_FALSE(ofi::parse("tcp;ofi_rxm", text + "0").has_value());
    EXPECT_FALSE(ofi::parse("tcp;ofi_rxm", text + "0x").has_value());
  }
}

TEST(Ofi, RefusesAnAddressThatIsNone) {
  Fleet fleet(ofi_flavour, 1);
  Transport::Peer peer = fleet[0].as_peer(fleet.credentials());
  const std::string mine = peer.address;
  peer.name = "rank 1 on host b";
  for (const std::string& address :
       {std::string("ofi/pigeon/00"), mine.substr(0, mine.size() - 2), mine + "00", mine + "zz"}) {
    EXPECT_FALSE(fleet[0].transport().reaches(address)) << address;
    peer.address = address;
    try {
      fleet[0].connect(1, peer);
      ADD_FAILURE() << address << " is no address";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_THAT(error.what(), HasSubstr("rank 0: ofi connect to rank 1 on host b: " + address));
    }
  }
}

TEST(Ofi, CarriesTheLongestBlocksThereAre) {
  TransportOptions options;
  options.block_bytes = 1 << 20;
  Fleet fleet = connected_fleet(ofi_flavour, 2, options);
  ASSERT_EQ(fleet[0].transport().max_block_bytes(), options.block_bytes);
  fleet.run([&](Engine& me) {
    for (std::uint32_t i = 0; i < 20; ++i) {
      me.send(1 - me.rank(), 1, i, options.block_bytes - i % 2);
      me.receive(1 - me.rank(), 1, i, options.block_bytes - i % 2);
    }
  });
}

// Short blocks are copied, long ones lie where the device has put them.
TEST(Ofi, LendsBlocksThatOutliveIt) {
  Fleet fleet = connected_fleet(ofi_flavour, 2);
  const std::size_t longest = fleet[0].transport().max_block_bytes();
  std::vector<std::unique_ptr<Aside>> kept;
  for (std::uint32_t stream = 0; stream < 2; ++stream) {
    const std::size_t bytes = stream == 0 ? 100 : longest;
    std::vector<std::byte> block(bytes);
    fill(block.data(), bytes, key_of(stream, 0));
    ASSERT_TRUE(fleet[0].to(1).send(header_of(stream, 0, bytes), block.data()));
    fleet.until([&] { return fleet[1].to(0).front() != nullptr; }, "a block");
    kept.push_back(fleet[1].to(0).set_aside());
  }
  fleet[1].disconnect(0);
  fleet.destroy(1);
  expect_block(kept[0]->arrival(), 0, 0, 100);
  expect_block(kept[1]->arrival(), 1, 0, longest);
  const auto gone = [&] { return fleet[0].to(1).state() == Endpoint::State::failed; };
  fleet.until(gone, "the goodbye");
  EXPECT_EQ(fleet[0].to(1).failure(), "ofi: closed by the peer");
}

// An endpoint without a transport around it.
std::unique_ptr<ofi::Domain> open_for_reading(const ofi::Library& library) {
  auto offers = ofi::offers(library, "rank 0", {}, {});
  return std::make_unique<ofi::Domain>(library,
                                       ofi::with_reading(library, std::move(offers.at(0))));
}

std::shared_ptr<messages::FabricRead> read_of(const Location& from, std::vector<std::byte>& to) {
  return std::make_shared<messages::FabricRead>(
      messages::FabricRead{from, to.data(), to.size(), messages::FabricRead::State::under_way});
}

TEST(OfiReads, GoIntoMemoryThatNobodyElseReads) {
  ofi::Library library;
  ASSERT_EQ(ofi::load(library), "");
  const auto domain = open_for_reading(library);
  ASSERT_EQ(domain->problem(), "");
  std::vector<std::byte> memory(1 << 16);
  ofi::Reads reads(*domain);
  const registered::Held target = reads.hold_target(memory.data(), memory.size());
  EXPECT_NE(target, nullptr);
  EXPECT_FALSE(reads.locate(memory.data(), memory.size()));
  const registered::Held held = reads.hold(memory.data(), memory.size());
  EXPECT_TRUE(reads.locate(memory.data(), memory.size()));
  EXPECT_EQ(reads.hold_target(memory.data(), memory.size()), held);
  domain->close_endpoint();
}

TEST(OfiReads, WaitForNobodyElsesPeer) {
  using State = messages::FabricRead::State;
  ofi::Library library;
  ASSERT_EQ(ofi::load(library), "");
  const auto here = open_for_reading(library), there = open_for_reading(library);
  auto gone = open_for_reading(library);
  ASSERT_EQ(here->problem() + there->problem() + gone->problem(), "");
  const ofi::Route stuck_peer{.to = here->insert(gone->address()).value()};
  const ofi::Route peer{.to = here->insert(there->address()).value()};
  gone.reset();

  std::vector<std::byte> memory(1 << 16), copy(memory.size()), never(memory.size());
  fill(memory.data(), memory.size(), 5);
  ofi::Reads owner(*there), reader(*here);
  const registered::Held held = owner.hold(memory.data(), memory.size());
  const auto stuck = read_of({}, never);
  const auto read = read_of(owner.locate(memory.data(), memory.size()).value(), copy);
  reader.start(stuck_peer, stuck);
  reader.start(peer, read);
  const Deadline deadline = Deadline::after(patience);
  while (read->state == State::under_way && !deadline.passed()) {
    reader.advance();
    for (const ofi::Completion& completion : here->completions()) reader.ended(completion);
    there->completions();
  }
  EXPECT_EQ(read->state, State::done);
  EXPECT_TRUE(is_filled(copy.data(), copy.size(), 5));

  // Libfabric never accepts it.
  EXPECT_TRUE(reader.waits());
  reader.give_up(stuck_peer);
  EXPECT_EQ(stuck->state, State::failed);
  EXPECT_FALSE(reader.waits());
  here->close_endpoint();
  there->close_endpoint();
}

TEST(OfiRefusals, LastFromTheFirstToTheNextSuccess) {
  ofi::Refusals refusals;
  const auto start = Clock::time_point(std::chrono::hours(1));
  EXPECT_TRUE(refusals.may_try(start));
  EXPECT_EQ(refusals.lasting(start).count(), 0);
  auto now = start;
  for (int i = 0; i < 100; ++i) {
    refusals.add(now);
    EXPECT_FALSE(refusals.may_try(now)) << "who tries again at once connects again each time";
    EXPECT_TRUE(refusals.may_try(now + milliseconds(10)));
    now += milliseconds(10);
  }
  EXPECT_EQ(refusals.lasting(now), milliseconds(1000));
  refusals.forget();
  EXPECT_EQ(refusals.lasting(now).count(), 0);
  EXPECT_TRUE(refusals.may_try(now));
}

}  // namespace
}  // namespace motet::test
