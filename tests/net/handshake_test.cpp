#include "net/handshake.hpp"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <random>

#include "base/error.hpp"
#include "net/handshake_messages.hpp"
#include "net_testing.hpp"

namespace motet {
namespace {

using namespace std::chrono_literals;
using testing::connect_to;
using testing::drive;
using ::testing::HasSubstr;
using testing::meet;
using testing::say;
using testing::soon;

class Handshake : public ::testing::TestWithParam<const char*> {
 protected:
  Handshake() { listener_.admit(ours_, me_); }

  static Listener open() {
    return GetParam() == std::string("tcp") ? Listener::tcp() : Listener::local();
  }
  Dialler dial(const Credentials& credentials) { return dial(credentials, me_); }
  Dialler dial(const Credentials& credentials, const Identity& to) {
    return Dialler({listener_.addresses(), Purpose::shm, peer_, to}, credentials);
  }
  // Drives until the listener has dropped somebody.
  bool drops() {
    const std::uint64_t before = listener_.dropped();
    return drive(listener_, accepted_, [&] { return listener_.dropped() > before; });
  }
  // Says hello as the dialler would, and gives the acceptor's answer.
  Answer greet(const Descriptor& socket, const Hello& hello) {
    say(socket, encode(hello));
    EXPECT_TRUE(drive(listener_, accepted_,
                      [&] { return wait_for(socket.get(), POLLIN, Deadline::after(1ms)); }));
    AnswerBytes bytes{};
    EXPECT_EQ(read_some(socket.get(), bytes).bytes, answer_bytes);
    return decode_answer(bytes);
  }
  Hello hello() const { return {Purpose::shm, ours_.job, peer_, me_, fresh_nonce()}; }

  const Credentials ours_ = Credentials::from_secret(random_secret());
  const Identity me_ = Identity::random(), peer_ = Identity::random();
  Listener listener_ = open();
  std::vector<Connection> accepted_;
};

INSTANTIATE_TEST_SUITE_P(Over, Handshake, ::testing::Values("tcp", "local"),
                         [](const auto& which) { return std::string(which.param); });

TEST(TcpConnection, SendsAtOnceAndProbesASilentPeerAtBothEnds) {
  const Credentials credentials = Credentials::from_secret(random_secret());
  const Identity me = Identity::random();
  Listener listener = Listener::tcp();
  listener.admit(credentials, me);
  Dialler dialler({listener.addresses(), Purpose::tcp, Identity::random(), me}, credentials);
  testing::Pair pair = meet(listener, dialler);
  ASSERT_TRUE(pair.dialled && pair.accepted) << dialler.problem();
  for (const Connection* end : {&*pair.dialled, &*pair.accepted}) {
    const auto option = [&](int level, int name) {
      int value = 0;
      socklen_t length = sizeof value;
      EXPECT_EQ(getsockopt(end->socket.get(), level, name, &value, &length), 0);
      return value;
    };
    EXPECT_NE(option(IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_NE(option(SOL_SOCKET, SO_KEEPALIVE), 0);
    const int noticed_s = option(IPPROTO_TCP, TCP_KEEPIDLE) +
                          option(IPPROTO_TCP, TCP_KEEPINTVL) * option(IPPROTO_TCP, TCP_KEEPCNT);
    EXPECT_EQ(noticed_s, 15);
  }
}

TEST_P(Handshake, GivesBothEndsOneConnection) {
  Dialler dialler = dial(ours_);
  testing::Pair pair = meet(listener_, dialler);
  ASSERT_TRUE(pair.dialled && pair.accepted) << dialler.problem();
  EXPECT_EQ(pair.accepted->peer, peer_);
  EXPECT_EQ(pair.accepted->purpose, Purpose::shm);
  EXPECT_EQ(pair.dialled->peer, me_);
  EXPECT_TRUE(pair.dialled->dialled);
  EXPECT_FALSE(pair.accepted->dialled);

  say(pair.dialled->socket, "hello");
  ASSERT_TRUE(wait_for(pair.accepted->socket.get(), POLLIN, soon()));
  std::array<std::byte, 16> got{};
  EXPECT_EQ(read_some(pair.accepted->socket.get(), got).bytes, 5U);
  EXPECT_EQ(listener_.dropped(), 0U);
}

TEST_P(Handshake, HandsOutOnlyTheConnectionTheDiallerChose) {
  std::vector<Address> twice = listener_.addresses();
  const std::vector<Address> once = twice;
  for (int i = 0; i < 5; ++i) twice.insert(twice.end(), once.begin(), once.end());
  Dialler dialler({twice, Purpose::tcp, peer_, me_}, ours_);
  testing::Pair pair = meet(listener_, dialler);
  ASSERT_TRUE(pair.dialled && pair.accepted) << dialler.problem();

  // Long enough for the losers to be seen: another dialler after them is served.
  Dialler later = dial(ours_);
  std::optional<Connection> other;
  EXPECT_TRUE(drive(listener_, accepted_, [&] {
    if (!other) other = later.advance();
    return other && !accepted_.empty();
  }));
  EXPECT_EQ(accepted_.size(), 1U);
}

TEST_P(Handshake, RefusesAnotherSecret) {
  Credentials wrong = ours_;  // the job's public name is right
  wrong.key[0] ^= 1;
  Dialler dialler = dial(wrong);
  EXPECT_TRUE(drive(listener_, accepted_, [&] {
    EXPECT_FALSE(dialler.advance());
    return dialler.problem().find("secret") != std::string::npos;
  })) << dialler.problem();
  EXPECT_TRUE(accepted_.empty());
}

TEST_P(Handshake, RefusesAnotherJobAndAnotherRank) {
  Dialler other_job = dial(Credentials::from_secret(random_secret()));
  EXPECT_TRUE(drive(listener_, accepted_, [&] {
    EXPECT_FALSE(other_job.advance());
    return listener_.dropped() > 0;
  }));
  Dialler other_rank = dial(ours_, Identity::random());
  const auto before = listener_.dropped();
  EXPECT_TRUE(drive(listener_, accepted_, [&] {
    EXPECT_FALSE(other_rank.advance());
    return listener_.dropped() > before;
  }));
  EXPECT_TRUE(accepted_.empty());
}

TEST_P(Handshake, ServesNobodyOfADismissedJob) {
  listener_.dismiss(ours_.job);
  Dialler dialler = dial(ours_);
  EXPECT_TRUE(drive(listener_, accepted_, [&] {
    EXPECT_FALSE(dialler.advance());
    return listener_.dropped() > 0;
  }));
}

TEST_P(Handshake, DropsAWrongProof) {
  const Descriptor socket = connect_to(listener_.addresses().front());
  const Hello said = hello();
  Proof proof = prove(Side::dialler, said, greet(socket, said).nonce, ours_.key);
  proof.back() ^= 1;
  say(socket, std::as_bytes(std::span(proof)));
  EXPECT_TRUE(drops());
  EXPECT_TRUE(accepted_.empty());
}

TEST_P(Handshake, DropsItsOwnProofReflected) {
  const Descriptor socket = connect_to(listener_.addresses().front());
  const Answer answer = greet(socket, hello());
  say(socket, std::as_bytes(std::span(answer.proof)));
  EXPECT_TRUE(drops());
}

TEST_P(Handshake, DropsAReplay) {
  const Hello said = hello();
  const Descriptor first = connect_to(listener_.addresses().front());
  const Proof proof = prove(Side::dialler, said, greet(first, said).nonce, ours_.key);
  say(first, std::as_bytes(std::span(proof)));
  ASSERT_TRUE(drive(listener_, accepted_, [&] { return accepted_.size() == 1; }));

  const Descriptor second = connect_to(listener_.addresses().front());
  greet(second, said);  // word for word what an eavesdropper has heard
  say(second, std::as_bytes(std::span(proof)));
  EXPECT_TRUE(drops());
  EXPECT_EQ(accepted_.size(), 1U);
}

TEST_P(Handshake, DropsStrangersAtOnce) {
  for (const std::string_view text : {"GET / HTTP/1.1\r\n", "\x16\x03\x01", "SSH-2.0-x\r\n"}) {
    const Descriptor socket = connect_to(listener_.addresses().front());
    say(socket, text);
    EXPECT_TRUE(drops()) << text;
  }
  Descriptor scanner = connect_to(listener_.addresses().front());
  scanner.reset();
  EXPECT_TRUE(drops());
}

TEST_P(Handshake, DropsWhoSendsTooMuch) {
  const Descriptor socket = connect_to(listener_.addresses().front());
  say(socket, encode(hello()));
  say(socket, std::string(10'000, 'x'));
  EXPECT_TRUE(drops());
  EXPECT_TRUE(accepted_.empty());
}

TEST_P(Handshake, DropsTheSlow) {
  const Descriptor socket = connect_to(listener_.addresses().front());
  const HelloBytes bytes = encode(hello());
  say(socket, std::span(bytes).first(20));
  EXPECT_TRUE(drops());  // after five seconds
}

TEST_P(Handshake, ServesHonestDiallersBehindACrowd) {
  std::vector<Descriptor> crowd;
  for (int i = 0; i < 100; ++i) {
    crowd.push_back(connect_to(listener_.addresses().front()));
    listener_.advance();
  }
  Dialler dialler = dial(ours_);
  const testing::Pair pair = meet(listener_, dialler);
  EXPECT_TRUE(pair.dialled && pair.accepted) << dialler.problem();
  EXPECT_GT(listener_.dropped(), 0U);
}

TEST_P(Handshake, SurvivesRandomBytes) {
  const auto seed = std::random_device()();
  std::printf("seed=%u\n", seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 300; ++i) {
    const Descriptor socket = connect_to(listener_.addresses().front());
    HelloBytes bytes = encode(hello());
    const std::size_t damaged = random() % bytes.size();
    bytes[damaged] ^= static_cast<std::byte>(1 + random() % 255);
    say(socket, std::span(bytes).first(random() % (bytes.size() + 1)));
    if (random() % 2 == 0) say(socket, std::string(random() % 512, static_cast<char>(random())));
    for (const Connection& connection : listener_.advance())
      ADD_FAILURE() << connection.peer.to_text();
  }
  Dialler dialler = dial(ours_);
  const testing::Pair pair = meet(listener_, dialler);
  EXPECT_TRUE(pair.dialled && pair.accepted) << dialler.problem();
}

TEST(Dialler, WaitsForAPeerThatDoesNotListenYet) {
  const Credentials ours = Credentials::from_secret(random_secret());
  const Identity me = Identity::random(), peer = Identity::random();
  int port = 0;
  {
    const Listener gone = Listener::tcp();
    port = port_of(parse_address(gone.addresses().back()));
  }
  Dialler dialler({{"127.0.0.1:" + std::to_string(port)}, Purpose::tcp, peer, me}, ours);
  const Deadline deadline = soon();
  while (dialler.problem().find("refused") == std::string::npos && !deadline.passed()) {
    dialler.advance();
    wait_for(dialler.descriptor(), POLLIN, Deadline::after(5ms));
  }
  EXPECT_THAT(dialler.problem(),
              HasSubstr("127.0.0.1:" + std::to_string(port) + ": Connection refused"));

  Listener listener = Listener::tcp({.interfaces = {}, .ports = PortRange::only(port)});
  listener.admit(ours, me);
  const testing::Pair pair = meet(listener, dialler);
  EXPECT_TRUE(pair.dialled && pair.accepted) << dialler.problem();
}

TEST(Dialler, SaysWhichAddressMakesNoSense) {
  const Credentials ours = Credentials::from_secret(random_secret());
  for (const char* text :
       {"", "10.0.0.7", "10.0.0.7:0", "10.0.0.7:70000", "host:1", "[::1]", "unix:", "[::1:80"}) {
    EXPECT_THROW(Dialler({{text}, Purpose::tcp, {}, {}}, ours), Error) << text;
  }
}

TEST(Listener, SaysWhichPortIsTaken) {
  const Listener first = Listener::tcp();
  const int port = port_of(parse_address(first.addresses().front()));
  try {
    const Listener second = Listener::tcp({.interfaces = {}, .ports = PortRange::only(port)});
    FAIL() << "two listeners on one port";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(std::to_string(port)));
    EXPECT_THAT(error.what(), HasSubstr("in use"));
  }
}

}  // namespace
}  // namespace motet
