// Several rails between two ranks: how they share the load, and what happens when one is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "fleet.hpp"
#include "topology/discovery/nics.hpp"
#include "transport/rails/packet.hpp"
#include "transport/rails/rails_transport.hpp"
#include "transport/tcp/tcp_transport.hpp"

namespace motet::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// What a test sees of a rail and does to it.
struct Control {
  std::uint64_t bytes = 0;  // sent
  bool swallows = false;    // what is sent vanishes, as on a cable that was pulled
  bool breaks = false;      // its connections end
  bool holds = false;       // what has arrived is not seen yet
  bool answers = true;      // who dials gets through
  int dialled = 0;          // times
};

class ControlledEndpoint final : public Endpoint {
 public:
  ControlledEndpoint(std::unique_ptr<Endpoint> inner, Control& control)
      : inner_(std::move(inner)), control_(control) {}

  State state() const override {
    if (control_.breaks) return State::failed;
    return control_.answers ? inner_->state() : State::connecting;
  }
  const std::string& failure() const override { return control_.breaks ? cut_ : inner_->failure(); }
  bool send(const Header& header, const void* data) override {
    if (control_.breaks || control_.swallows) return true;
    if (!inner_->send(header, data)) return false;
    control_.bytes += header.bytes;
    return true;
  }
  const Arrival* front() override { return control_.holds ? nullptr : inner_->front(); }
  void pop() override { inner_->pop(); }
  std::unique_ptr<Aside> set_aside() override { return inner_->set_aside(); }
  bool flushed() const override { return inner_->flushed(); }

 private:
  std::unique_ptr<Endpoint> inner_;
  Control& control_;
  std::string cut_ = "cut by the test";
};

class ControlledRail final : public Transport {
 public:
  ControlledRail(const TransportOptions& options, Control& control)
      : inner_(tcp_transport.open(options)), control_(control) {}

  bool shares_memory() const override { return false; }
  std::string address() const override { return inner_->address(); }
  bool reaches(std::string_view peer) const override { return inner_->reaches(peer); }
  void admit(const Credentials& credentials) override { inner_->admit(credentials); }
  void dismiss(const Identity& job) override { inner_->dismiss(job); }
  std::unique_ptr<Endpoint> connect(const Peer& peer) override {
    ++control_.dialled;
    return std::make_unique<ControlledEndpoint>(inner_->connect(peer), control_);
  }
  bool progress() override { return inner_->progress(); }
  std::size_t max_block_bytes() const override { return inner_->max_block_bytes(); }
  void announce_sleep() override { inner_->announce_sleep(); }
  void announce_wake() override { inner_->announce_wake(); }
  std::vector<int> descriptors() const override { return inner_->descriptors(); }

 private:
  std::unique_ptr<Transport> inner_;
  Control& control_;
};

// Two ranks on two rails; those of rank 0 are under control.
class Rails : public ::testing::Test {
 protected:
  static constexpr std::size_t large = 100'000;

  Flavour flavour() {
    return {"controlled", [this](const TransportOptions& options) {
              TransportOptions longer = options;
              longer.block_bytes += sizeof(rails::Label);
              const bool mine = opened_++ == 0;
              std::vector<rails::Rail> two;
              for (std::size_t i = 0; i < 2; ++i) {
                Control& control = mine ? control_[i] : others_[i];
                two.push_back({i == 0 ? "first" : "second",
                               std::make_unique<ControlledRail>(longer, control)});
              }
              return join_rails(std::move(two), options.name);
            }};
  }

  std::string route_of(int rank) {
    return dynamic_cast<Routed&>(fleet_[rank].to(1 - rank)).route();
  }
  std::string route() { return route_of(0); }
  void await_both() {
    fleet_.until(
        [&] {
          const std::string way = route();
          return way.find("first") != std::string::npos && way.find("second") != std::string::npos;
        },
        "both rails to be used");
  }
  // From rank 0 to rank 1, as the next ones.
  void exchange(std::uint32_t blocks, std::size_t bytes) {
    std::vector<std::byte> block(bytes);
    for (const std::uint32_t end = received_ + blocks; sent_ < end;) {
      send_one(block);
      receive(bytes);
      ASSERT_FALSE(deadline_.passed()) << "block " << sent_ << " of " << end;
    }
    receive_all(bytes);
  }
  // If there is room.
  void send_one(std::vector<std::byte>& block) {
    const Header header = header_of(1, sent_, block.size());
    fill(block.data(), block.size(), header.key);
    if (fleet_[0].to(1).send(header, block.data())) ++sent_;
  }
  void receive(std::size_t bytes) {
    fleet_[0].transport().progress();
    fleet_[1].transport().progress();
    Endpoint& other = fleet_[1].to(0);
    for (; other.front() != nullptr; other.pop(), ++received_) {
      expect_block(*other.front(), 1, received_, bytes);
    }
  }
  // What is on its way.
  void receive_all(std::size_t bytes) {
    while (received_ < sent_) {
      receive(bytes);
      ASSERT_FALSE(deadline_.passed()) << "block " << received_ << " of " << sent_;
    }
  }

  Control control_[2], others_[2];
  int opened_ = 0;
  Fleet fleet_ = connected_fleet(flavour(), 2);
  const Deadline deadline_ = Deadline::after(patience);
  std::uint32_t sent_ = 0, received_ = 0;
};

TEST_F(Rails, ShareLargeBlocksAndLeaveSmallOnesTogether) {
  await_both();
  exchange(100, 100);
  EXPECT_EQ(control_[1].bytes, 0U);
  exchange(400, large);
  const auto first = static_cast<double>(control_[0].bytes);
  const auto second = static_cast<double>(control_[1].bytes);
  EXPECT_GT(second, 0.1 * (first + second));
  EXPECT_GT(first, 0.1 * (first + second));
}

TEST_F(Rails, ThatBreakAreReplacedByTheOthersAndUsedAgain) {
  await_both();
  for (int rank : {0, 1}) fleet_[rank].transport().dismiss(fleet_.credentials().job);
  exchange(20, large);
  control_[1].breaks = true;
  exchange(100, large);
  EXPECT_THAT(route(), Not(HasSubstr("second")));
  EXPECT_EQ(fleet_[0].to(1).state(), Endpoint::State::ready);
  control_[1].breaks = false;
  await_both();
  const std::uint64_t before = control_[1].bytes;
  exchange(100, large);
  EXPECT_GT(control_[1].bytes, before);
}

TEST_F(Rails, OnWhichNothingArrivesAreGivenUp) {
  await_both();
  exchange(20, large);
  control_[1].swallows = true;
  exchange(100, large);  // some of them vanish, and go again
  EXPECT_THAT(route(), Not(HasSubstr("second")));
  control_[1].swallows = false;
  await_both();
  exchange(100, large);
}

// What they brought late, when they had been lost, and is reported when they are back does not
// count for what vanishes now.
TEST_F(Rails, ThatComeBackAndVanishAtOnceAreGivenUp) {
  await_both();
  others_[1].holds = true;
  std::vector<std::byte> block(large);
  for (const std::uint64_t enough = control_[1].bytes + 4 * large; control_[1].bytes < enough;) {
    send_one(block);
    receive(large);
    ASSERT_FALSE(deadline_.passed());
  }
  control_[1].breaks = true;
  receive_all(large);
  control_[0].holds = true;  // the reports
  others_[1].holds = false;
  control_[1].breaks = false;
  await_both();
  control_[1].swallows = true;
  for (const std::uint32_t end = sent_ + 2; sent_ < end;) send_one(block);
  control_[0].holds = false;
  receive_all(large);
}

TEST_F(Rails, OfWhichTheFirstIsCutLeaveSmallBlocksToTheSecond) {
  await_both();
  control_[0].swallows = true;
  exchange(50, 100);
  EXPECT_GT(control_[1].bytes, 0U);
}

class RailsOfWhichOneIsDialled : public Rails {
 protected:
  // The second, without an answer, when the first breaks.
  void break_both() {
    await_both();
    control_[1].breaks = true;
    fleet_[0].transport().progress();  // and notices
    control_[1].answers = control_[1].breaks = false;
    fleet_.until([&] { return control_[1].dialled == 2; }, "it to be dialled again");
    control_[0].breaks = true;
    fleet_[0].transport().progress();
    EXPECT_THAT(route(), IsEmpty());
  }
};

TEST_F(RailsOfWhichOneIsDialled, WaitForIt) {
  break_both();
  EXPECT_EQ(fleet_[0].to(1).state(), Endpoint::State::ready);
  control_[1].answers = true;
  exchange(50, large);
}

TEST_F(RailsOfWhichOneIsDialled, DoNotWaitForEver) {
  break_both();
  fleet_.until([&] { return fleet_[0].to(1).state() == Endpoint::State::failed; }, "the end");
  EXPECT_THAT(fleet_[0].to(1).failure(), HasSubstr("first: cut by the test"));
  EXPECT_THAT(fleet_[0].to(1).failure(), HasSubstr("second: cut by the test"));
}

TEST_F(Rails, ThatAreAllLostEndTheEndpoint) {
  await_both();
  control_[0].breaks = control_[1].breaks = true;
  fleet_.until([&] { return fleet_[0].to(1).state() == Endpoint::State::failed; }, "the end");
  EXPECT_THAT(fleet_[0].to(1).failure(), HasSubstr("first: cut by the test"));
  EXPECT_THAT(fleet_[0].to(1).failure(), HasSubstr("second: cut by the test"));
  fleet_.until([&] { return fleet_[1].to(0).state() == Endpoint::State::failed; },
               "the end at the other side");
}

// A host's NICs, as sysfs shows them.
class NearNics : public ::testing::Test {
 protected:
  NearNics() { std::filesystem::create_directories(root_ + "/class/net"); }
  ~NearNics() override { std::filesystem::remove_all(root_); }
  void add(const std::string& name, int numa, int megabits, bool up = true, bool device = true) {
    const std::string folder = root_ + "/class/net/" + name;
    std::filesystem::create_directories(folder + (device ? "/device" : ""));
    if (device) std::ofstream(folder + "/device/numa_node") << numa << '\n';
    std::ofstream(folder + "/operstate") << (up ? "up" : "down") << '\n';
    if (megabits != 0) std::ofstream(folder + "/speed") << megabits << '\n';
  }
  const std::string root_ = ::testing::TempDir() + "/motet_nics_" + std::to_string(::getpid());
};

TEST_F(NearNics, AreThoseOfTheRanksNodeThatAreAlike) {
  add("eth0", 0, 100'000);
  add("eth1", 0, 100'000);
  add("eth2", 1, 100'000);
  add("service", 0, 1000);
  add("idle", 0, 100'000, false);
  add("bridge", 0, 400'000, true, false);
  EXPECT_THAT(near_nics(0, root_), ElementsAre("eth0", "eth1"));
  EXPECT_THAT(near_nics(1, root_), ElementsAre("eth2"));
  EXPECT_THAT(near_nics(-1, root_), ElementsAre("eth0", "eth1", "eth2"));
  EXPECT_THAT(near_nics(2, root_), ElementsAre("eth0", "eth1", "eth2"));
}

TEST_F(NearNics, OfUnknownSpeedCountAsAlike) {
  add("a", -1, -1);
  add("b", -1, 0);
  EXPECT_THAT(near_nics(0, root_), ElementsAre("a", "b"));
}

TEST_F(NearNics, AreNoneWhereSysfsIsNot) {
  EXPECT_THAT(near_nics(0, "/nowhere"), IsEmpty());
}

class FabricTransport : public NearNics {
 protected:
  void add_rdma(const std::string& name, const std::string& driver) {
    const std::string folder = root_ + "/class/infiniband/" + name;
    std::filesystem::create_directories(folder + "/device");
    if (!driver.empty()) {
      std::filesystem::create_symlink("/drivers/" + driver, folder + "/device/driver");
    }
  }
};

TEST_F(FabricTransport, IsThatOfTheRdmaDevices) {
  EXPECT_EQ(fabric_transport(root_), "");
  add_rdma("rxe0", "");
  EXPECT_EQ(fabric_transport(root_), "") << "emulated";
  add_rdma("mlx5_0", "mlx5_core");
  EXPECT_EQ(fabric_transport(root_), "ucx");
  add_rdma("rdmap0s6", "efa");
  EXPECT_EQ(fabric_transport(root_), "ofi");
}

TEST_F(FabricTransport, OfSlingshotIsLibfabric) {
  std::filesystem::create_directories(root_ + "/class/cxi/cxi0");
  EXPECT_EQ(fabric_transport(root_), "ofi");
}

}  // namespace
}  // namespace motet::test
